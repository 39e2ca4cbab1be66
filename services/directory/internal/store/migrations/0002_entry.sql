-- +goose Up
-- Every state of every entry, of whatever kind. States are added; only which one is current changes. The table office stays
-- for programs that are older than this one; nothing writes to it any more.
create table entry (
    kind      text        not null,
    id        text        not null,
    revision  bigint      not null,
    content   jsonb       not null check (jsonb_typeof(content) = 'object'),
    current   boolean     not null,
    stored_at timestamptz not null,
    primary key (kind, id, revision)
);
create unique index entry_current on entry (kind, id) where current;

alter table entry enable row level security;
alter table entry force row level security;
create policy everybody_reads on entry for select using (true);
create policy owner_loads on entry to current_user using (true) with check (true);
revoke all on entry from pari_app;
grant select on entry to pari_app;
