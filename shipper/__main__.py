"""`python -m shipper`: the command line, for those whose PATH does not have it.

The service is started by the path of this file instead. Then this very package is taken, whatever else on the path is called
shipper, and what lies beside it can be imported too, after everything else.
"""

import sys

if not __package__:
    import os
    from importlib.util import module_from_spec, spec_from_file_location

    folder = os.path.dirname(os.path.abspath(__file__))
    spec = spec_from_file_location("shipper", f"{folder}/__init__.py", submodule_search_locations=[folder])
    if spec and spec.loader:
        sys.modules["shipper"] = module_from_spec(spec)
        spec.loader.exec_module(sys.modules["shipper"])
    sys.path.append(os.path.dirname(folder))

from shipper.cli import main

sys.exit(main())
