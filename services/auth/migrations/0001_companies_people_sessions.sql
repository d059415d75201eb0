-- 0001: everything auth owns: companies with their headers, brands and folders; people; sessions, reusable tokens, API keys.
-- `..._key` columns hold the casefolded name, by which it is unique; `version` rises with each change and travels with the event that tells of it.

CREATE TABLE companies (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    name_key text NOT NULL CONSTRAINT companies_name UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE users (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL REFERENCES companies,
    username text NOT NULL,
    username_key text NOT NULL CONSTRAINT users_username UNIQUE, -- across all companies: it is all that Login is told
    password_hash text NOT NULL CHECK (password_hash LIKE '$argon2id$%'),
    firstname text NOT NULL,
    surname text NOT NULL,
    phone_number text NOT NULL CHECK (phone_number ~ '^([+][1-9][0-9]{6,14})?$'),
    permissions text[] NOT NULL CHECK (permissions <@ ARRAY['send', 'administer']),
    active boolean NOT NULL DEFAULT true,
    access_version int NOT NULL DEFAULT 0, -- rises with password, permissions and activity: a grant of before makes no token and no key
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX users_company ON users (company_id);

-- What logs a user in without a password. Those that are good no more stay until they are old, so that a late repeat of the request that made
-- one does not make it good again.
CREATE TABLE reusable_tokens (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token_sha256 bytea NOT NULL CONSTRAINT reusable_tokens_token UNIQUE CHECK (octet_length(token_sha256) = 32),
    user_id bigint NOT NULL REFERENCES users,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX reusable_tokens_live ON reusable_tokens (user_id) WHERE revoked_at IS NULL;
CREATE INDEX reusable_tokens_used ON reusable_tokens (coalesce(last_used_at, created_at));

-- A row a live or lately ended session. Ended ones stay until they would have expired anyway, so that a late repeat of the
-- login that opened one does not open it again.
CREATE TABLE sessions (
    token_sha256 bytea PRIMARY KEY CHECK (octet_length(token_sha256) = 32),
    user_id bigint NOT NULL REFERENCES users,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
    reusable_token_id bigint REFERENCES reusable_tokens ON DELETE CASCADE, -- that opened it: ends with it
    revoked_at timestamptz,
    told_at timestamptz CHECK (told_at IS NULL OR revoked_at IS NOT NULL) -- when the gateways were told of the revocation
);
CREATE INDEX sessions_live ON sessions (user_id) WHERE revoked_at IS NULL;
CREATE INDEX sessions_untold ON sessions (revoked_at) WHERE revoked_at IS NOT NULL AND told_at IS NULL;
CREATE INDEX sessions_reusable_token ON sessions (reusable_token_id) WHERE reusable_token_id IS NOT NULL;

-- Keys for programs. A revoked one stays for a while, as a dead token does. `version` rises with every change of what the key may do.
CREATE TABLE api_keys (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key_sha256 bytea NOT NULL CONSTRAINT api_keys_key UNIQUE CHECK (octet_length(key_sha256) = 32),
    user_id bigint NOT NULL REFERENCES users,
    name text NOT NULL,
    name_key text NOT NULL,
    hint text NOT NULL CHECK (length(hint) = 12), -- the key's first characters: 24 bits of its 256
    permissions text[] NOT NULL CHECK (permissions <@ ARRAY['send', 'administer']),
    test boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    revoked_at timestamptz,
    version int NOT NULL DEFAULT 1,
    told_version int NOT NULL DEFAULT 1 CHECK (told_version <= version) -- what the gateways were told of
);
CREATE UNIQUE INDEX api_keys_name ON api_keys (user_id, name_key) WHERE revoked_at IS NULL;
CREATE INDEX api_keys_untold ON api_keys (id) WHERE told_version < version;
CREATE INDEX api_keys_revoked ON api_keys (revoked_at) WHERE revoked_at IS NOT NULL;

-- Wrong guesses at a name, whether or not there is such a user: the answer must not tell.
CREATE TABLE login_failures (
    username_key text PRIMARY KEY,
    failures int NOT NULL CHECK (failures > 0),
    since timestamptz NOT NULL DEFAULT now()
);

-- A number receives texts, so it is either one company's own or shared by all that have it. Which of the two, is decided by who adds it first.
CREATE TABLE numbers (
    key text PRIMARY KEY,
    shared boolean NOT NULL,
    UNIQUE (key, shared)
);

CREATE TABLE headers (
    company_id bigint NOT NULL REFERENCES companies,
    key text NOT NULL, -- libs.common.phone.sender_key
    number text GENERATED ALWAYS AS (CASE WHEN key ~ '^[+]?[0-9]+$' THEN key END) STORED, -- a name only sends and is anybody's
    header text NOT NULL,
    shared boolean NOT NULL DEFAULT false CHECK (NOT shared OR number IS NOT NULL),
    brand text NOT NULL DEFAULT '', -- that it speaks for, as the company writes it
    approval text NOT NULL DEFAULT 'approved' CHECK (approval IN ('approved', 'pending', 'rejected')),
    active boolean NOT NULL DEFAULT true CHECK (NOT active OR approval = 'approved'),
    version int NOT NULL DEFAULT 1,
    added bigint GENERATED ALWAYS AS IDENTITY,
    CONSTRAINT headers_of_a_company PRIMARY KEY (company_id, key),
    CONSTRAINT headers_number FOREIGN KEY (number, shared) REFERENCES numbers (key, shared)
);
CREATE UNIQUE INDEX headers_number_is_one_companys ON headers (number) WHERE NOT shared;

-- Names that need evidence, beside those of libs/common/countries: an operator's own.
CREATE TABLE protected_names (
    skeleton text PRIMARY KEY, -- libs.common.countries.senders.skeleton: names that look alike are one
    name text NOT NULL
);

-- Who let a company use a name, or not, on what evidence. Never changed, never removed.
CREATE TABLE header_decisions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL,
    key text NOT NULL,
    approved boolean NOT NULL,
    evidence text NOT NULL CHECK (evidence <> ''),
    user_id bigint, -- none: on the operator's own machine, by the command line
    at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (company_id, key) REFERENCES headers (company_id, key)
);
CREATE INDEX header_decisions_of_a_header ON header_decisions (company_id, key, id);

CREATE TABLE brands (
    company_id bigint NOT NULL REFERENCES companies,
    name_key text NOT NULL,
    name text NOT NULL,
    active boolean NOT NULL DEFAULT true,
    version int NOT NULL DEFAULT 1,
    added bigint GENERATED ALWAYS AS IDENTITY,
    CONSTRAINT brands_of_a_company PRIMARY KEY (company_id, name_key)
);

-- A tree a company; parent_id NULL is its root, which is no folder of its own.
CREATE TABLE folders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL REFERENCES companies,
    parent_id bigint CHECK (parent_id <> id),
    name text NOT NULL,
    name_key text NOT NULL,
    version int NOT NULL DEFAULT 1,
    UNIQUE (company_id, id),
    CONSTRAINT folders_name UNIQUE NULLS NOT DISTINCT (company_id, parent_id, name_key),
    CONSTRAINT folders_parent FOREIGN KEY (company_id, parent_id) REFERENCES folders (company_id, id)
);
