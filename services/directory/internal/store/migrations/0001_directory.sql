-- +goose Up
-- The revision counts the changes of the public directory. A server compares it with its own to know whether it is up
-- to date.
create table directory_state (
    singleton    boolean     primary key default true check (singleton),
    revision     bigint      not null,
    updated_at   timestamptz not null,
    confirmed_at timestamptz -- when the centre last confirmed that a node's copy is complete; always null at the centre
);

-- All versions of all code lists. Versions are added and never changed.
create table vocabulary (
    name      text        not null,
    version   integer     not null check (version > 0),
    title_it  text        not null,
    title_en  text        not null,
    groups    text        not null,
    terms     jsonb       not null check (jsonb_typeof(terms) = 'array'),
    current   boolean     not null,
    loaded_at timestamptz not null,
    revision  bigint      not null check (revision > 0), -- of the directory when this version was loaded
    digest    bytea       not null,
    primary key (name, version)
);
create unique index vocabulary_current on vocabulary (name) where current;

-- All states of all entries, of every kind. States are added; only the flag "current" moves from one to the next.
create table entry (
    kind       text        not null,
    id         text        not null,
    revision   bigint      not null,
    content    jsonb       not null check (jsonb_typeof(content) = 'object'),
    from_files boolean     not null, -- true: loaded from files; always false in a node's copy
    current    boolean     not null,
    stored_at  timestamptz not null,
    digest     bytea       not null,
    primary key (kind, id, revision)
);
create unique index entry_current on entry (kind, id) where current;
create index entry_revision on entry (revision) where current;

-- Digests of the content of a row. Triggers compute them for every writer, so that the centre and a node can compare
-- their databases.
-- +goose StatementBegin
create function vocabulary_digest() returns trigger language plpgsql as $$
begin
    new.digest := sha256(convert_to(concat_ws(E'\n', new.title_it, new.title_en, new.groups, new.terms::text), 'UTF8'));
    return new;
end $$;
-- +goose StatementEnd
-- +goose StatementBegin
create function entry_digest() returns trigger language plpgsql as $$
begin
    new.digest := sha256(convert_to(new.content::text, 'UTF8'));
    return new;
end $$;
-- +goose StatementEnd
create trigger vocabulary_digest before insert or update of title_it, title_en, groups, terms on vocabulary
    for each row execute function vocabulary_digest();
create trigger entry_digest before insert or update of content on entry for each row execute function entry_digest();

-- The service reads everything. The owner of the tables loads code lists and entries.
alter table directory_state enable row level security;
alter table directory_state force row level security;
alter table vocabulary enable row level security;
alter table vocabulary force row level security;
alter table entry enable row level security;
alter table entry force row level security;
create policy public_read on directory_state for select using (true);
create policy public_read on vocabulary for select using (true);
create policy public_read on entry for select using (true);
create policy owner_write on directory_state to current_user using (true) with check (true);
create policy owner_write on vocabulary to current_user using (true) with check (true);
create policy owner_write on entry to current_user using (true) with check (true);
revoke all on directory_state, vocabulary, entry from pari_app;
grant select on directory_state, vocabulary, entry to pari_app;
