-- +goose Up
-- How many loads changed something. A server that knows this number knows whether it has everything.
create table directory_state (
    singleton  boolean     primary key default true check (singleton),
    revision   bigint      not null,
    updated_at timestamptz not null
);

-- Every version of every code list. Versions are added, never changed.
create table vocabulary (
    name      text        not null,
    version   integer     not null check (version > 0),
    title_it  text        not null,
    title_en  text        not null,
    groups    text        not null,
    terms     jsonb       not null check (jsonb_typeof(terms) = 'array'),
    current   boolean     not null,
    loaded_at timestamptz not null,
    primary key (name, version)
);
create unique index vocabulary_current on vocabulary (name) where current;

-- Every state of every entry. States are added; only which one is current changes.
create table office (
    office_id text        not null,
    revision  bigint      not null,
    region    text        not null,
    node      text        not null,
    entry     jsonb       not null check (jsonb_typeof(entry) = 'object'),
    current   boolean     not null,
    loaded_at timestamptz not null,
    primary key (office_id, revision)
);
create unique index office_current on office (office_id) where current;

-- Everything here is public: everybody reads, only the owner of the tables loads.
alter table directory_state enable row level security;
alter table directory_state force row level security;
alter table vocabulary enable row level security;
alter table vocabulary force row level security;
alter table office enable row level security;
alter table office force row level security;
create policy public_read on directory_state for select using (true);
create policy public_read on vocabulary for select using (true);
create policy public_read on office for select using (true);
create policy owner_write on directory_state to current_user using (true) with check (true);
create policy owner_write on vocabulary to current_user using (true) with check (true);
create policy owner_write on office to current_user using (true) with check (true);
revoke all on directory_state, vocabulary, office from pari_app;
grant select on directory_state, vocabulary, office to pari_app;
