-- +goose Up
-- Wrapped data keys. A row holds no time: the time of a key would be the time of a report.
create table data_key (
    node    text  not null check (node <> ''),
    key_id  uuid  not null,
    wrapped bytea not null,
    primary key (node, key_id)
);
alter table data_key enable row level security;
alter table data_key force row level security;
create policy tenant on data_key
    using (node = current_setting('app.node'))
    with check (node = current_setting('app.node'));
