"""The house rules as functions: a parsed module in, complaints out. `test_rules.py` runs each and breaks each."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.house.tree import Module

MOST_LINES = 400
MOST_FUNCTION_LINES = 60
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "misc", "shared"}
EMPTY_SUFFIX = re.compile(r"^(Manager|Handler|Processor)$|\w(Manager|Handler|Service|Processor)$")
BROAD_IS_ALLOWED = {"tools/toolbox.py", "triggers/worker.py"}
ENVIRONMENT_IS_READ_IN = {"config/settings.py"}
_AT_IMPORT = """
    open print input read_text read_bytes write_text write_bytes mkdir iterdir glob rglob is_file is_dir exists cwd
    connect urlopen Popen system check_output basicConfig getenv sleep create_engine load_settings safe_load from_env
    DockerClient PrometheusConnect get_event_loop
"""
AT_IMPORT = set(_AT_IMPORT.split())
RUN_BY_ALEMBIC = "config/migrations/"
REGISTERING = {"add_typer", "command", "callback", "include_router", "register_adapter"}
_WRITE_CALLS = """
    restart kill pause unpause prune put_archive exec_run exec_create exec_start update_container put patch delete
    remove_container create_container
"""
WRITE_CALLS = set(_WRITE_CALLS.split())
STARTING = ("system", "popen", "fork", "exec", "spawn", "posix_spawn")
WRITE_METHODS = {"PUT", "DELETE", "PATCH"}

HOMES = {
    "docker": ("tools/sources/", "evals/lab/"),
    "prometheus_api_client": ("tools/sources/",),
    "promql_parser": ("tools/recorded/promql/",),
    "langgraph": ("agent/",),
    "langchain_core": ("agent/",),
    "fastapi": ("triggers/",),
    "uvicorn": ("triggers/",),
    "typer": ("triggers/",),
    "slack_bolt": ("triggers/slack/",),
    "sqlalchemy": ("config/", "tools/sources/", "agent/ledger.py", "agent/library.py", "triggers/"),
    "alembic": ("config/migrations/",),
}


def long_files(module: Module) -> Iterator[str]:
    """400 lines at most, unless the docstring says why: "This file is long because …"."""
    if module.lines > MOST_LINES and "is long because" not in (ast.get_docstring(module.tree) or ""):
        yield f"{module.path}: {module.lines} lines and no reason in its docstring"


def long_functions(module: Module) -> Iterator[str]:
    """60 lines at most; a migration is a list of tables, written once."""
    if module.path.startswith(RUN_BY_ALEMBIC):
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MOST_FUNCTION_LINES:
                yield f"{module.path}:{node.lineno}: {node.name} has {lines} lines"


def empty_names(module: Module) -> Iterator[str]:
    """A module or class is named for what it is, not for being code."""
    for part in module.path.removesuffix(".py").split("/"):
        if part in EMPTY_NAMES:
            yield f"{module.path}: a module named {part}"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef) and EMPTY_SUFFIX.search(node.name):
            yield f"{module.path}:{node.lineno}: class {node.name}"


def broad_excepts(module: Module) -> Iterator[str]:
    """`except Exception` only at the question boundary and the worker loop; elsewhere only to clean up and re-raise."""
    if module.path in BROAD_IS_ALLOWED:
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ExceptHandler) and _is_broad(node.type) and not _re_raises(node):
            yield f"{module.path}:{node.lineno}: a broad except"


def _is_broad(caught: ast.expr | None) -> bool:
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(
        name is None or (isinstance(name, ast.Name) and name.id in ("Exception", "BaseException")) for name in names
    )


def _re_raises(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def environment_reads(module: Module) -> Iterator[str]:
    """The environment is read in `config/settings.py` only."""
    if module.path in ENVIRONMENT_IS_READ_IN:
        return
    for node in ast.walk(module.tree):
        read = (
            isinstance(node, ast.Attribute)
            and node.attr in ("environ", "environb", "getenv")
            and _names(node.value, "os")
        )
        imported = (
            isinstance(node, ast.ImportFrom)
            and node.module == "os"
            and {"environ", "getenv"} & {a.name for a in node.names}
        )
        if read or imported:
            yield f"{module.path}:{node.lineno}: reads the environment"


def _innermost(call: ast.Call) -> ast.Call:
    """`app.command()` of `app.command()(function)`."""
    while isinstance(call.func, ast.Call):
        call = call.func
    return call


def work_at_import(module: Module) -> Iterator[str]:
    """Importing does nothing: no file, no network, no output, no bare call but the registration of a command."""
    if module.path.startswith(RUN_BY_ALEMBIC):
        return
    for statement in module.tree.body:
        if isinstance(statement, ast.If | ast.FunctionDef | ast.AsyncFunctionDef | ast.Import | ast.ImportFrom):
            continue
        bare = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
        if bare and _called(_innermost(statement.value)) not in REGISTERING:
            yield f"{module.path}:{statement.lineno}: a bare call at import"
        for call in _calls_outside_functions(statement):
            if _called(call) in AT_IMPORT:
                yield f"{module.path}:{call.lineno}: {_called(call)}() at import"


def _calls_outside_functions(node: ast.AST) -> Iterator[ast.Call]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.Call):
            yield child
        yield from _calls_outside_functions(child)


def mocks(module: Module) -> Iterator[str]:
    """Fakes are written beside the seam; nothing is patched."""
    for node in ast.walk(module.tree):
        imports = isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            ("unittest.mock", "mock", "pytest_mock")
        )
        patches = (
            isinstance(node, ast.Call) and _called(node) in ("setattr", "setitem") and _receiver(node) == "monkeypatch"
        )
        injected = isinstance(node, ast.arg) and node.arg == "mocker"
        if imports or patches or injected:
            yield f"{module.path}:{node.lineno}: a mock or a patch"


def claims(module: Module) -> Iterator[str]:
    """A test's docstring is its claim in a sentence."""
    for node in ast.walk(module.tree):
        is_test = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
        if is_test and not (ast.get_docstring(node) or "").strip():
            yield f"{module.path}:{node.lineno}: {node.name} claims nothing"


def vendors_abroad(module: Module) -> Iterator[str]:
    """Each vendor has one home (`HOMES`), down to the folder; import-linter holds the rooms."""
    for node in ast.walk(module.tree):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            homes = HOMES.get(name.split(".")[0])
            if homes is not None and not module.path.startswith(homes):
                yield f"{module.path}:{node.lineno}: imports {name}, whose home is {' or '.join(homes)}"


def write_verbs(module: Module) -> Iterator[str]:
    """Sources only read: no call that changes what is watched, no HTTP method that writes."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITE_CALLS:
            yield f"{module.path}:{node.lineno}: calls {node.func.attr}()"
        if isinstance(node, ast.Constant) and node.value in WRITE_METHODS:
            yield f"{module.path}:{node.lineno}: names the HTTP method {node.value}"


def started_processes(module: Module) -> Iterator[str]:
    """`os.system` and its kin are not imports of their own, so import-linter cannot see them."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and _names(node.value, "os") and node.attr.startswith(STARTING):
            yield f"{module.path}:{node.lineno}: os.{node.attr}"


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _receiver(call: ast.Call) -> str:
    value = call.func.value if isinstance(call.func, ast.Attribute) else None
    return value.id if isinstance(value, ast.Name) else ""


def _names(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name
