"""The manifest: an app's declaration as one JSON object, which every pass reads from `app.json`."""

from shipper.recording.values import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shipper.recording.app import App

#: Bytes of the largest manifest that is read.
MANIFEST_BYTES = 1024 * 1024


def write_manifest(app: "App", endpoint: "str") -> "bytes":
    """Write the declaration as one line of JSON; an endpoint that is not empty takes the place of the declared one."""
    return (
        f'{{"shipper":1,"version":"{app.version}","app":"{app.name}","endpoint":{quote(endpoint or app.endpoint)},'
        f'"wire":"{app.wire}","policy":"{app.policy}","policy_date":"{app.policy_date}","ci":"{app.ci}",'
        f'"identity":"{app.identity}",'
        f'"about":{quote(app.about)},"notice":{quote(app.notice)},"write_key":{quote(app.write_key)},'
        f'"retention_days":{app.retention_days},'
        f'"limits":{{"bytes":{app.limits[0]},"days":{app.limits[1]},"files":{app.limits[2]}}},'
        f'"flush_interval":{app.flush_interval},"durability":"{app.durability}",'
        f'"events":[{",".join([declared.manifest() for declared in app.events.values()])}]{app.questions}}}\n'
    ).encode("ascii")
