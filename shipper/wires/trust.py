"""Whose certificates are trusted: the system's authorities, or those that the environment names."""

import ssl


def nobody() -> ssl.SSLContext:
    """A context that trusts nobody: for plain http to loopback, where reading whom to trust would cost 30 ms in vain."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def trust() -> ssl.SSLContext:
    """The system's authorities; the ones of certifi where the system has none.

    Made by hand: `ssl.create_default_context` would also obey SSLKEYLOGFILE and write the session's keys to a file.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_default_certs()
    paths = ssl.get_default_verify_paths()
    if not (paths.cafile or paths.capath or context.get_ca_certs()):
        import certifi  # comes with httpx

        context.load_verify_locations(certifi.where())
    return context
