-- +goose Up
-- Code lists as the directory last gave them. Public data: the policy lets every node read them.
create table vocabulary_replica (
    name text primary key,
    body bytea not null
);
alter table vocabulary_replica enable row level security;
alter table vocabulary_replica force row level security;
create policy public_data on vocabulary_replica using (true) with check (true);
