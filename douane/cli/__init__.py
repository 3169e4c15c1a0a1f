"""`douane`: check a file with no server, serve the house, and look after it.

Here stand the verbs and what they ask for; the work is in the modules beside this one, which are imported when their
verb is called: `douane check` must start without a database driver, a web framework or Polars.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

from douane import __version__
from douane.cli.verbs import Argument, Exit, Group, Option
from douane.errors import DouaneError

if TYPE_CHECKING:
    from douane.settings import Settings

app = Group(
    "The customs house for other people's files: check every record, show what to mend, hand over clean data.",
    version=__version__,
)
user = Group("People who sign in.")
key = Group("Access keys, with which programs call /v1.")
chats = Group("Exports of chat workspaces.")
template = Group("The template file.")
link = Group("Import links, to be handed to people.")
for _group, _name in ((link, "link"), (user, "user"), (key, "key"), (template, "template"), (chats, "chat")):
    app.add(_group, _name)

File = Annotated[str, Argument(metavar="FILE", help="The file to read, or - for standard input.")]
Export = Annotated[str, Argument(metavar="EXPORT", help="The export as it was downloaded, or - for standard input.")]
ImporterKey = Annotated[
    str | None,
    Option("--importer", metavar="KEY", help="Whose export it is, such as slack; else it is recognised."),
]
Sheet = Annotated[str | None, Option(metavar="NAME|N", help="Sheet of a workbook: its name, or its number from 0.")]
Encoding = Annotated[str | None, Option(help="Encoding of the text; else it is detected.")]
Delimiter = Annotated[str | None, Option(help="What separates cells (or: tab); else it is detected.")]
Header = Annotated[
    str | None,
    Option(metavar="LINE|none", help="The line the headings stand on, or none; else it is detected."),
]
Quote = Annotated[str | None, Option(metavar="C|none", help="What quotes cells, or none; else it is detected.")]
Json = Annotated[bool, Option("--json", help="Print JSON, for programs.")]
Data = Annotated[Path | None, Option(metavar="DIR", help="The installation's data folder (DOUANE_DATA).")]
Database = Annotated[
    str | None, Option("--database-url", help="sqlite:///FILE or postgresql://… (DOUANE_DATABASE_URL).")
]
Storage = Annotated[str | None, Option("--storage-url", help="A folder or s3://BUCKET/PREFIX (DOUANE_STORAGE_URL).")]
Host = Annotated[str | None, Option(help="Address to listen on (DOUANE_HOST).")]
Port = Annotated[int | None, Option(help="Port to listen on (DOUANE_PORT).")]
Login = Annotated[str, Argument(metavar="USER", help="E-mail or username.")]
ProjectId = Annotated[str | None, Option("--project", metavar="ID", help="The project; else the first one.")]


def main() -> NoReturn:
    """The program. Where no database was opened there is nothing to take leave of: to take down all that was loaded
    would cost as much as a small file's work."""
    gc.disable()  # until what a verb needs is loaded: none of it is a ring to be let go
    try:
        answer()
    except SystemExit as end:
        if "sqlalchemy" not in sys.modules and isinstance(end.code, int):
            with suppress(OSError, ValueError):
                sys.stdout.flush()
            with suppress(OSError, ValueError):
                sys.stderr.flush()
            os._exit(end.code)
        raise


def answer() -> NoReturn:
    """Runs a verb and ends with its status: 2, and one sentence on stderr, where it cannot be done."""
    signal.signal(signal.SIGTERM, _end)
    try:
        app.call("douane", sys.argv[1:])
        sys.stdout.flush()
        sys.exit(0)
    except Exit as end:
        sys.exit(end.status)
    except KeyboardInterrupt:
        print("\nAborted!", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:
        # Whoever reads our output had enough; what is still buffered has nowhere to go, and that is no mistake.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except DouaneError as error:
        _fail(error.message)
    except OSError as error:
        _fail(_sentence(error))
    except Exception as error:
        if os.environ.get("DOUANE_LOG_LEVEL", "").lower() == "debug":
            raise
        _fail(
            f"Something went wrong inside Douane: {type(error).__name__}: {error}. DOUANE_LOG_LEVEL=debug says where."
        )


def _end(_number: int, _frame: FrameType | None) -> None:
    """SIGTERM unwinds like an exception, so that the child is stopped and temporary files go."""
    sys.exit(128 + signal.SIGTERM)


def _fail(sentence: str) -> NoReturn:
    print(f"douane: {sentence}", file=sys.stderr)
    sys.exit(2)


def _sentence(error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}." if error.filename else f"{reason}."


def _settings(**given: Path | str | int | None) -> Settings:
    from douane.cli.given import settings

    return settings(**given)


def _begin_small(*, documents: bool = False) -> None:
    from douane import lean

    lean.small()
    lean.msgspec()
    if documents:
        lean.yaml()


def _serve_lean() -> None:
    from douane import lean

    # The log could colour traces with it.
    lean.begin("rich")


# Files


@app.command()
def rows(
    file: File,
    sheet: Sheet = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    header: Header = None,
    quote: Quote = None,
    form: Annotated[Literal["ndjson", "csv"], Option("--format", help="How records are printed.")] = "ndjson",
    explain: Annotated[bool, Option("--explain", help="Print what was detected instead.")] = False,
    as_json: Json = False,
) -> None:
    """Print what Douane reads: one JSON array of text per record, nothing interpreted, nothing trimmed."""
    _begin_small()
    from douane.cli import files

    options = files.reading_options(sheet, encoding, delimiter, header, quote)
    if explain:
        files.explain(file, options, as_json)
    else:
        files.rows(file, options, form)


@app.command()
def check(
    file: File,
    template: Annotated[Path, Option("--template", "-t", metavar="T.yaml", help="What the file should hold.")],
    mapping: Annotated[
        Path | None,
        Option("--mapping", "-m", metavar="M.yaml", help="{column key: heading or null}; else headings are matched."),
    ] = None,
    sheet: Sheet = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    header: Header = None,
    quote: Quote = None,
    out: Annotated[
        Path | None,
        Option(metavar="DIR", help="Write valid.csv, invalid.csv and problems.ndjson into this folder."),
    ] = None,
    stage: Annotated[Path | None, Option(metavar="DIR", help="Keep the staged table in this folder.")] = None,
    as_json: Json = False,
) -> None:
    """Map, check and report, without a server. Exit code 0: all valid; 1: some rows invalid; 2: cannot be done."""
    _begin_small(documents=True)
    from douane.cli import files

    options = files.reading_options(sheet, encoding, delimiter, header, quote)
    all_valid = files.check(file, options, template, mapping, out, stage, as_json)
    raise Exit(0 if all_valid else 1)


@template.command()
def schema() -> None:
    """Print the JSON Schema of the template file."""
    from douane.cli import files

    sys.stdout.write(files.template_schema())


@template.command()
def learn(
    file: File,
    name: Annotated[str | None, Option(help="The template's name; else the file's.")] = None,
    sheet: Sheet = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    header: Header = None,
    quote: Quote = None,
) -> None:
    """Print a template for files like this one: types, lists, dates, what is required and what is unique."""
    from douane.cli import files

    files.learn(file, files.reading_options(sheet, encoding, delimiter, header, quote), name)


# Chat exports


@chats.command("inspect")
def chat_inspect(
    export: Export,
    importer: ImporterKey = None,
    stage: Annotated[
        Path | None, Option(metavar="DIR", help="Keep the staged tables in this folder, as Arrow files.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what an export holds. Exit code 0: all could be read; 1: some records could not; 2: it cannot be done."""
    from douane.cli import chat

    raise Exit(0 if chat.inspect(export, importer, stage, as_json) else 1)


@chats.command("convert")
def chat_convert(
    export: Export,
    to: Annotated[str, Option(metavar="FORM", help="What to make of it: mattermost, ndjson, parquet.")],
    out: Annotated[Path, Option(metavar="DIR", help="Where to write; an empty or a new folder.")],
    users: Annotated[
        list[str] | None, Option(metavar="NAME|ID", help="Only what these people wrote; may be repeated.")
    ] = None,
    channels: Annotated[
        list[str] | None, Option(metavar="NAME|ID", help="Only these conversations; may be repeated.")
    ] = None,
    team: Annotated[str | None, Option(metavar="NAME", help="The team in Mattermost; else “imported”.")] = None,
    importer: ImporterKey = None,
    as_json: Json = False,
) -> None:
    """Turn an export into files of another form. Exit code 0: all could be read; 1: some records could not; 2: it
    cannot be done."""
    from douane.cli import chat

    wanted = {"to": to, "users": users or [], "channels": channels or [], "team": team}
    raise Exit(0 if chat.convert(export, importer, wanted, out, as_json) else 1)


# The house


@app.command()
def init(data: Data = None, database: Database = None, storage: Storage = None, as_json: Json = False) -> None:
    """Make a new installation: its first person, a sample project, a template and an access key."""
    from douane.cli import house

    house.init(_settings(data=data, database_url=database, storage_url=storage), as_json)


@app.command()
def serve(
    data: Data = None, host: Host = None, port: Port = None, database: Database = None, storage: Storage = None
) -> None:
    """Run one web and one worker process; on first start with everything `douane init` makes."""
    _serve_lean()
    from douane.cli import house

    house.serve(_settings(data=data, host=host, port=port, database_url=database, storage_url=storage))


@app.command()
def web(
    data: Data = None, host: Host = None, port: Port = None, database: Database = None, storage: Storage = None
) -> None:
    """Run the web process alone."""
    _serve_lean()
    from douane.cli import house

    house.web(_settings(data=data, host=host, port=port, database_url=database, storage_url=storage))


@app.command()
def worker(
    data: Data = None, host: Host = None, port: Port = None, database: Database = None, storage: Storage = None
) -> None:
    """Run the worker process alone. It listens on nothing: host and port are taken so that the three verbs agree."""
    _serve_lean()
    from douane.cli import house

    house.worker(_settings(data=data, host=host, port=port, database_url=database, storage_url=storage))


@user.command("add")
def user_add(
    email: Annotated[str, Argument(help="Their e-mail address.")],
    role: Annotated[str, Option(help="Admin, Tech, Finance, Importer or Observer.")] = "Tech",
    project: ProjectId = None,
    username: Annotated[str | None, Option(help="What they may sign in with, too; else made of the e-mail.")] = None,
    generate: Annotated[bool, Option("--generate", help="Make a password up and print it.")] = False,
    data: Data = None,
    database: Database = None,
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    """Add a person to a project. The password is asked for on a terminal or read from standard input."""
    from douane.cli import people

    config = _settings(data=data, database_url=database, storage_url=storage)
    people.add(config, email, username, project, role, generate, as_json)


@user.command("list")
def user_list(data: Data = None, database: Database = None, storage: Storage = None, as_json: Json = False) -> None:
    """List everybody, and what they may do in which project."""
    from douane.cli import people

    people.everybody(_settings(data=data, database_url=database, storage_url=storage), as_json)


@user.command("role")
def user_role(
    login: Login,
    role: Annotated[str, Argument(help="Admin, Tech, Finance, Importer or Observer; none takes them out.")],
    project: ProjectId = None,
    data: Data = None,
    database: Database = None,
    storage: Storage = None,
) -> None:
    """Say what a person may do in a project."""
    from douane.cli import people

    people.set_role(_settings(data=data, database_url=database, storage_url=storage), login, role, project)


@user.command("disable")
def user_disable(login: Login, data: Data = None, database: Database = None, storage: Storage = None) -> None:
    """Sign a person out everywhere and refuse them from now on. What they did stays."""
    from douane.cli import people

    people.set_disabled(_settings(data=data, database_url=database, storage_url=storage), login, True)


@user.command("enable")
def user_enable(login: Login, data: Data = None, database: Database = None, storage: Storage = None) -> None:
    """Let a disabled person sign in again."""
    from douane.cli import people

    people.set_disabled(_settings(data=data, database_url=database, storage_url=storage), login, False)


@user.command("password")
def user_password(
    login: Login,
    generate: Annotated[bool, Option("--generate", help="Make one up and print it.")] = False,
    data: Data = None,
    database: Database = None,
    storage: Storage = None,
) -> None:
    """Set a person's password, asked for on a terminal or read from standard input. Ends all their sessions."""
    from douane.cli import people

    people.set_password(_settings(data=data, database_url=database, storage_url=storage), login, generate)


@key.command("new")
def key_new(
    name: Annotated[str, Argument(help="What the key is for.")] = "command line",
    project: ProjectId = None,
    data: Data = None,
    database: Database = None,
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    """Make a further access key and print it, once."""
    from douane.cli import house

    house.new_key(_settings(data=data, database_url=database, storage_url=storage), project, name, as_json)


@key.command("list")
def key_list(
    project: ProjectId = None,
    data: Data = None,
    database: Database = None,
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    """List a project's access keys, revoked ones too. The keys themselves are not shown."""
    from douane.cli import house

    house.list_keys(_settings(data=data, database_url=database, storage_url=storage), project, as_json)


@key.command("revoke")
def key_revoke(
    key_id: Annotated[str, Argument(metavar="ID", help="The key's id, as `douane key list` shows it.")],
    project: ProjectId = None,
    data: Data = None,
    database: Database = None,
    storage: Storage = None,
) -> None:
    """Refuse a key from now on."""
    from douane.cli import house

    house.revoke_key(_settings(data=data, database_url=database, storage_url=storage), project, key_id)


@link.command("new")
def link_new(
    template_id: Annotated[str, Argument(metavar="TEMPLATE", help="The template's id.")],
    name: Annotated[str, Option(help="Whom or what it is for.")] = "",
    days: Annotated[int | None, Option(help="How long it lasts; else the setting link_days.")] = None,
    uses: Annotated[str, Option(metavar="N|any", help="How many imports may be made through it.")] = "1",
    project: ProjectId = None,
    data: Data = None,
    database: Database = None,
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    """Make an import link and print its address, once. Whoever has it may import into the template."""
    from douane.cli import links as verbs

    config = _settings(data=data, database_url=database, storage_url=storage)
    verbs.new(config, project, template_id, name, days, uses, as_json)


@link.command("list")
def link_list(
    project: ProjectId = None,
    data: Data = None,
    database: Database = None,
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    """List a project's import links, with their uses. The addresses are not shown."""
    from douane.cli import links as verbs

    verbs.show(_settings(data=data, database_url=database, storage_url=storage), project, as_json)


@link.command("revoke")
def link_revoke(
    link_id: Annotated[str, Argument(metavar="ID", help="The link's id, as `douane link list` shows it.")],
    project: ProjectId = None,
    data: Data = None,
    database: Database = None,
    storage: Storage = None,
) -> None:
    """Refuse a link from now on; imports made through it stay."""
    from douane.cli import links as verbs

    verbs.revoke(_settings(data=data, database_url=database, storage_url=storage), project, link_id)


@app.command()
def audit(
    count: Annotated[int, Option("--last", metavar="N", min=1, help="How many lines, the newest.")] = 50,
    days: Annotated[float | None, Option(metavar="N", min=0, help="Only of the last so many days.")] = None,
    action: Annotated[
        str | None, Option(metavar="WHAT", help="Only these, such as sign_in, or key for all about keys.")
    ] = None,
    who: Annotated[str | None, Option(metavar="E-MAIL", help="Only what this person did.")] = None,
    project: Annotated[str | None, Option(metavar="ID", help="Only in this project.")] = None,
    refused: Annotated[bool, Option("--refused", help="Only what was tried and refused.")] = False,
    data: Data = None,
    database: Database = None,
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    """Say who did what, when and from where: sign-ins and failures, keys, people, exports, deletions."""
    from douane.cli import people
    from douane.flow.audit import Sought

    config = _settings(data=data, database_url=database, storage_url=storage)
    people.show_audit(config, count, Sought(days, action, who, project, refused), as_json)


@app.command()
def ledger(
    upload: Annotated[str, Argument(metavar="UPLOAD", help="The upload's id.")],
    data: Data = None,
    database: Database = None,
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    """Say where every record of an upload went: found = delivered + waiting + failed + left out."""
    from douane.cli import forgetting

    forgetting.show_ledger(_settings(data=data, database_url=database, storage_url=storage), upload, as_json)


@app.command()
def forget(
    upload: Annotated[str | None, Argument(metavar="UPLOAD", help="The id of an upload to forget whole.")] = None,
    template: Annotated[
        str | None, Option(metavar="ID", help="Forget rows of all uploads of this template instead.")
    ] = None,
    column: Annotated[str | None, Option(metavar="KEY", help="Those with a value in this column.")] = None,
    value: Annotated[
        str | None, Option(metavar="TEXT", help="The value; left out, it is read from standard input.")
    ] = None,
    data: Data = None,
    database: Database = None,
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    """Delete an upload with its file and rows, or one person's rows, at once and for good; says what remains. Exit
    code 1: some uploads could not be looked through yet."""
    from douane.cli import forgetting

    config = _settings(data=data, database_url=database, storage_url=storage)
    raise Exit(0 if forgetting.forget(config, upload, template, column, value, as_json) else 1)


@app.command()
def doctor(data: Data = None, database: Database = None, storage: Storage = None, as_json: Json = False) -> None:
    """Look an installation over: settings, rights, clock, walls, disk, storage, worker, and that no object is missing.
    Exit code 0: all is well; 1: something is not."""
    from douane.cli import house

    well = house.doctor(_settings(data=data, database_url=database, storage_url=storage), as_json)
    raise Exit(0 if well else 1)


@app.command()
def settings(as_json: Json = False) -> None:
    """List every setting with its unit, default, and what it is set to; each is also a variable DOUANE_*."""
    from douane.cli import given

    given.show_settings(as_json)


@app.command()
def version() -> None:
    """Print the version."""
    print(__version__)
