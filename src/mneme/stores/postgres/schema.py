"""The tables in PostgreSQL, their row-level security, roles and grants, and the numbered migrations that lead to them.

Every table that holds anything of a space begins its primary key with the space and is hash-partitioned by it. Its policy admits the rows
of the space that the transaction names in the setting ``mneme.space``, and is forced, so that it holds for the owner too. The columns
are those of the embedded store (:mod:`mneme.stores.sqlite.schema`), so that a space moves between both row by row; ``head`` is the row
that writers of a space lock, and ``embedding`` and ``posting`` are for search inside the database.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mneme.core.errors import InvalidInput

SCHEMA = "mneme"
SETTING = "mneme.space"
VERSION = 1
"""The number of the last migration that this mneme knows."""
ADVISORY_LOCK = 0x6D6E656D65
MOVING_LOCK = 0x6D6E656D
"""With the number of a space: the lock of who moves it here."""
PARTITIONS = 16
APP_ROLE = "mneme_app"
OWNER_ROLE = "mneme_owner"
_ROLE = re.compile(r"[a-z_][a-z0-9_]{0,62}")

# Table -> columns with primary key. Content is in ``snapshot`` columns as the same UTF-8 JSON that every store digests.
TABLES: dict[str, str] = {
    "head": """seq bigint NOT NULL DEFAULT 0, at bigint NOT NULL DEFAULT 0, hash text NOT NULL DEFAULT '',
  next_row bigint NOT NULL DEFAULT 1, documents bigint NOT NULL DEFAULT 0, total_length bigint NOT NULL DEFAULT 0,
  searched boolean NOT NULL DEFAULT false, erased_xid bigint NOT NULL DEFAULT 0, PRIMARY KEY (space)""",
    "meta": 'key text COLLATE "C" NOT NULL, value text NOT NULL, PRIMARY KEY (space, key)',
    "entry": """seq bigint NOT NULL, at bigint NOT NULL, verb text NOT NULL, actor text NOT NULL, reason text, reason_salt bytea,
  reason_digest text NOT NULL, trace_id text NOT NULL, undoes bigint, changes bytea NOT NULL, previous text NOT NULL,
  hash text NOT NULL, PRIMARY KEY (space, seq)""",
    "touch": 'subject text COLLATE "C" NOT NULL, seq bigint NOT NULL, PRIMARY KEY (space, subject, seq)',
    "idempotency": "key bytea NOT NULL, seq bigint NOT NULL, PRIMARY KEY (space, key)",
    "episode": 'id text COLLATE "C" NOT NULL, salt bytea, snapshot bytea, PRIMARY KEY (space, id)',
    "memory": """row bigint NOT NULL, id text COLLATE "C" NOT NULL, seq bigint NOT NULL, version integer NOT NULL,
  text_version integer NOT NULL, status text NOT NULL, kind text NOT NULL, at bigint NOT NULL, valid_from bigint NOT NULL,
  valid_to bigint, author text, role text, session text, ref text, channel text, tier text NOT NULL, tags text,
  importance double precision NOT NULL, PRIMARY KEY (space, row), UNIQUE (space, id)""",
    "memory_version": """key bigint NOT NULL, seq bigint NOT NULL, text_version integer NOT NULL, salt bytea NOT NULL,
  snapshot bytea NOT NULL, PRIMARY KEY (space, key)""",
    "term": "key bigint NOT NULL, passages integer NOT NULL, terms bytea NOT NULL, PRIMARY KEY (space, key)",
    "vector": "key bigint NOT NULL, passages integer NOT NULL, data bytea NOT NULL, PRIMARY KEY (space, key)",
    "staged": "key bigint NOT NULL, passages integer NOT NULL, data bytea NOT NULL, PRIMARY KEY (space, key)",
    "source": 'episode text COLLATE "C" NOT NULL, memory bigint NOT NULL, PRIMARY KEY (space, episode, memory)',
    "link": """source bigint NOT NULL, target bigint NOT NULL, type text NOT NULL, from_seq bigint NOT NULL, to_seq bigint,
  weight double precision NOT NULL, PRIMARY KEY (space, source, target, type, from_seq)""",
    "usage": """memory bigint NOT NULL, uses double precision NOT NULL, strength double precision NOT NULL, last_used_at bigint,
  state bytea NOT NULL, PRIMARY KEY (space, memory)""",
    "job": """id text COLLATE "C" NOT NULL, task text NOT NULL, payload bytea NOT NULL, key text, state text NOT NULL,
  attempts integer NOT NULL, due_at bigint NOT NULL, leased_until bigint, error text, PRIMARY KEY (space, id)""",
    "embedding": "row bigint NOT NULL, passage integer NOT NULL, code halfvec NOT NULL, PRIMARY KEY (space, row, passage)",
    "posting": """term bigint NOT NULL, row bigint NOT NULL, tf integer NOT NULL, length integer NOT NULL,
  PRIMARY KEY (space, term, row) INCLUDE (tf, length)""",
}

_INDEXES = (
    "CREATE INDEX memory_seq ON {schema}.memory (space, seq)",
    "CREATE INDEX link_target ON {schema}.link (space, target)",
    "CREATE INDEX job_due ON {schema}.job (space, state, due_at, id)",
    "CREATE UNIQUE INDEX job_key ON {schema}.job (space, key) WHERE key IS NOT NULL AND state <> 'cancelled'",
    "CREATE INDEX posting_row ON {schema}.posting (space, row)",
)

_CATALOGUE = (
    """CREATE TABLE {schema}.space (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name bytea NOT NULL UNIQUE,
  state text NOT NULL DEFAULT 'there' CHECK (state IN ('there', 'arriving')), hnsw integer NOT NULL DEFAULT 0)""",
    # A missing setting and one that a transaction of the past left empty are NULL, which equals no space.
    """CREATE FUNCTION {schema}.current_space() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
  RETURN nullif(current_setting('mneme.space', true), '')::bigint""",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What ``mneme db init`` makes.

    Args:
        app_role: the role that mneme connects as; neither owner nor superuser.
        owner_role: the role that owns the tables; nobody logs in as it.
        password: of ``app_role``, if it is made; None leaves it to the server's authentication.
        partitions: how many hash partitions a table has.
    """

    app_role: str = APP_ROLE
    owner_role: str = OWNER_ROLE
    password: str | None = None
    partitions: int = PARTITIONS

    def __post_init__(self) -> None:
        problems = {
            name: f"{value!r} must be lower-case letters, digits and underscores, at most 63; choose another name"
            for name, value in (("app-role", self.app_role), ("owner-role", self.owner_role))
            if not _ROLE.fullmatch(value)
        }
        if self.app_role == self.owner_role:
            problems["app-role"] = "is the owner role too; row-level security wants two roles"
        if not 1 <= self.partitions <= 256:
            problems["partitions"] = "must be from 1 to 256"
        if problems:
            raise InvalidInput(problems)


def role_statements(setup: Setup) -> list[str]:
    """Return the SQL that makes the roles and the extension; run by a superuser, safe to run again."""
    password = "" if setup.password is None else " PASSWORD '" + setup.password.replace("'", "''") + "'"
    login = f"LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE{password}"
    return [
        _unless_role(setup.owner_role, "NOLOGIN NOSUPERUSER NOBYPASSRLS"),
        _unless_role(setup.app_role, login),
        "CREATE EXTENSION IF NOT EXISTS vector",
        _ACT_AS.format(role=setup.owner_role),
        f"CREATE SCHEMA IF NOT EXISTS {SCHEMA} AUTHORIZATION {setup.owner_role}",
        f"CREATE TABLE IF NOT EXISTS {SCHEMA}.migration (number integer PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())",
        f"ALTER TABLE {SCHEMA}.migration OWNER TO {setup.owner_role}",
    ]


# From PostgreSQL 16 on, who makes a role has it without the right to act as it.
_ACT_AS = """DO $$ BEGIN IF current_setting('server_version_num')::int >= 160000
  THEN GRANT {role} TO CURRENT_USER WITH SET TRUE, INHERIT TRUE; ELSE GRANT {role} TO CURRENT_USER; END IF; END $$"""


def _unless_role(role: str, options: str) -> str:
    # Two servers that start at once can both find no role; the slower one's error is the role that it wanted.
    return (
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN CREATE ROLE {role} {options}; END IF;\n"
        "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    )


def grant_statements(setup: Setup) -> list[str]:
    """Return the SQL that lets the application role read, write and, where the server knows that right, vacuum; and nothing else."""
    rights = "SELECT, INSERT, UPDATE, DELETE"
    role = setup.app_role
    return [
        f"GRANT USAGE ON SCHEMA {SCHEMA} TO {role}",
        f"GRANT SELECT, INSERT, DELETE, UPDATE (state) ON {SCHEMA}.space TO {role}",
        f"GRANT SELECT ON {SCHEMA}.migration TO {role}",
        f"GRANT EXECUTE ON FUNCTION {SCHEMA}.current_space() TO {role}",
        *(f"GRANT {rights} ON {SCHEMA}.{table} TO {role}" for table in TABLES),
        _MAINTAIN_TABLES.format(tables=", ".join(f"{SCHEMA}.{table}" for table in TABLES), role=role),
        _MAINTAIN_PARTITIONS.format(schema=SCHEMA, role=role),
    ]


# Before PostgreSQL 17 there is no such right to give.
_MAINTAIN_TABLES = """DO $$ BEGIN IF current_setting('server_version_num')::int >= 170000 THEN
  EXECUTE 'GRANT MAINTAIN ON {tables} TO {role}';
END IF; END $$"""

# VACUUM asks for the right on each partition; reading and writing rows needs rights on the parent alone, so that no query can name a
# partition and pass by the parent's policy.
_MAINTAIN_PARTITIONS = """DO $$ DECLARE part regclass; BEGIN
  IF current_setting('server_version_num')::int < 170000 THEN RETURN; END IF;
  FOR part IN SELECT i.inhrelid::regclass FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent
    WHERE p.relnamespace = '{schema}'::regnamespace AND p.relkind = 'p'
  LOOP EXECUTE format('GRANT MAINTAIN ON %s TO {role}', part); END LOOP; END $$"""


def migrations(setup: Setup) -> tuple[list[str], ...]:
    """Return the statements of each migration, from number 1; those of one that was released are never changed."""
    first = [*_CATALOGUE]
    for table, columns in TABLES.items():
        first.append(f"CREATE TABLE {{schema}}.{table} (space bigint NOT NULL, {columns}) PARTITION BY HASH (space)")
        # The subselect is worked out once a query, the bare function once a row.
        first += [
            f"CREATE TABLE {{schema}}.{table}_{part} PARTITION OF {{schema}}.{table} "
            f"FOR VALUES WITH (MODULUS {setup.partitions}, REMAINDER {part})" + (" WITH (fillfactor = 70)" if table == "head" else "")
            for part in range(setup.partitions)
        ]
        for secured in (table, *(f"{table}_{part}" for part in range(setup.partitions))):
            first += [
                f"ALTER TABLE {{schema}}.{secured} ENABLE ROW LEVEL SECURITY",
                f"ALTER TABLE {{schema}}.{secured} FORCE ROW LEVEL SECURITY",
                f"CREATE POLICY own_space ON {{schema}}.{secured} USING (space = (SELECT {{schema}}.current_space())) "
                f"WITH CHECK (space = (SELECT {{schema}}.current_space()))",
            ]
        if table in ("vector", "staged", "embedding"):
            column = "code" if table == "embedding" else "data"
            # Vectors do not compress, and stay beside their row where they fit.
            first.append(f"ALTER TABLE {{schema}}.{table} ALTER COLUMN {column} SET STORAGE EXTERNAL")
    first += _INDEXES
    return ([statement.format(schema=SCHEMA) for statement in first],)


def script(setup: Setup) -> str:
    """Return everything that ``mneme db init`` runs on an empty database, as one SQL script."""
    statements = [*role_statements(setup), f"SET ROLE {setup.owner_role}"]
    for number, migration in enumerate(migrations(setup), 1):
        lines = [f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})", *migration, f"INSERT INTO {SCHEMA}.migration VALUES ({number})"]
        statements += ["BEGIN", *lines, "COMMIT"]
    statements += [*grant_statements(setup), "RESET ROLE"]
    return ";\n".join(statements) + ";\n"
