"""Who runs the host, where that is no person at a terminal: a CI system, a coding agent, a home made for one run."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# The variables by which CI systems make themselves known: those of vendors.json and index.js of the npm package
# ci-info, which npm, yarn and many others ask, the general ones first. Its TASK_ID is left out: others use it too.
_CI_VARIABLES = frozenset((
    "CI", "CONTINUOUS_INTEGRATION", "BUILD_NUMBER", "RUN_ID", "CI_NAME", "CI_APP_ID", "CI_BUILD_ID", "CI_BUILD_NUMBER",
    "GITHUB_ACTIONS", "GITLAB_CI", "CIRCLECI", "TRAVIS", "JENKINS_URL", "TEAMCITY_VERSION", "TF_BUILD", "BUILDKITE",
    "BITBUCKET_COMMIT", "CODEBUILD_BUILD_ARN", "DRONE", "APPVEYOR", "SEMAPHORE", "CIRRUS_CI", "BITRISE_IO",
    "BUDDY_WORKSPACE_ID", "DSARI", "GO_PIPELINE_LABEL", "HARNESS_BUILD_ID", "HUDSON_URL", "MAGNUM", "NETLIFY",
    "NEVERCODE", "NOW_BUILDER", "PROW_JOB_ID", "RENDER", "SAILCI", "SCREWDRIVER", "SHIPPABLE", "STRIDER",
    "SYSTEM_TEAMFOUNDATIONCOLLECTIONURI", "TDDIUM", "VELA", "VERCEL", "bamboo_planKey",
))  # fmt: skip
# The variables that coding agents set for the commands that they run, and the agent. Seen by their names alone: the values
# hold versions and session ids. Sources, read in November 2026: databricks/cli#4287 (CLAUDECODE, GEMINI_CLI, CURSOR_AGENT),
# aws/aws-sam-cli#9127 (OPENCODE, COPILOT_AGENT_SESSION_ID, GITHUB_COPILOT_CLI_MODE), mongodb-js/mongodb-mcp-server#1118
# (AUGMENT_AGENT, CLINE_ACTIVE, OPENCODE_CLIENT, TRAE_AI_SHELL_ID), SonarSource/sonarqube-cli#308 (CODEX_CI,
# CODEX_SANDBOX_NETWORK_DISABLED, CODEX_THREAD_ID), Azure/azure-dev#9764 (COPILOT_CLI; an agent started by Claude Code
# inherits its variable, so that one is asked last), huggingface/huggingface_hub#3991 (AI_AGENT).
_AGENTS = {
    "CODEX_THREAD_ID": "codex", "CODEX_SANDBOX": "codex", "CODEX_SANDBOX_NETWORK_DISABLED": "codex", "CODEX_CI": "codex",
    "CURSOR_AGENT": "cursor", "GEMINI_CLI": "gemini-cli", "OPENCODE": "opencode", "OPENCODE_CLIENT": "opencode",
    "COPILOT_CLI": "copilot-cli", "COPILOT_AGENT_SESSION_ID": "copilot-cli", "GITHUB_COPILOT_CLI_MODE": "copilot-cli",
    "AUGMENT_AGENT": "augment", "CLINE_ACTIVE": "cline", "TRAE_AI_SHELL_ID": "trae", "CLAUDECODE": "claude-code",
    "AI_AGENT": "other",
}  # fmt: skip
# The two that say their name in a variable that others use too (block/goose#7017): so it is seen with these values only.
_NAMED = ("amp", "goose")
#: The closed values of an event's key `agent`.
AGENTS = (*dict.fromkeys(_AGENTS.values()), *_NAMED)
#: The variables that say something of who runs the host.
SIGNS = _CI_VARIABLES.union(_AGENTS, ("AGENT",))


def signs(environment: "Mapping[str, str]") -> "tuple[str, str]":
    """Return the variable by which a CI system makes itself known, and the agent that runs the host; "" where none does."""
    if SIGNS.isdisjoint(environment):
        return "", ""
    return in_ci(environment), agent(environment)


def in_ci(environment: "Mapping[str, str]") -> "str":
    """Return the variable by which a CI system makes itself known, or ""; CI=false says that this is none."""
    found = _CI_VARIABLES.intersection(environment)  # not each asked for: there are many, and hardly one is set
    if not found or environment.get("CI", "").strip().lower() in ("0", "false"):
        return ""
    return min([name for name in found if environment[name]], default="")


def agent(environment: "Mapping[str, str]") -> "str":
    """Return the name of the coding agent that runs the host, one of AGENTS, or ""."""
    there = frozenset(_AGENTS).intersection(environment)
    found = [_AGENTS[name] for name in _AGENTS if name in there and environment[name]]
    word = environment.get("AGENT", "")
    return word if word in _NAMED else found[0] if found else ""


def one_run_home(environment: "Mapping[str, str]", exists: "Callable[[str], bool]" = os.path.exists) -> "str":
    """Return what shows that this home was made for one run, or "".

    An id made there would be a new person each time. Signs are a home in a temporary folder, a container's marker file;
    a development container outlives its runs, and SHIPPER_HOME names a folder that somebody wants to keep.
    """
    if environment.get("SHIPPER_HOME"):
        return ""
    home = environment.get("HOME", "") + "/"
    for folder in (environment.get("TMPDIR") or "/tmp", "/tmp", "/var/tmp", "/dev/shm"):  # noqa: S108  compared only
        if home.startswith(folder.rstrip("/") + "/"):
            return folder
    if environment.get("REMOTE_CONTAINERS") or environment.get("CODESPACES"):
        return ""
    for marker in ("/.dockerenv", "/run/.containerenv"):
        if exists(marker):
            return marker
    return ""
