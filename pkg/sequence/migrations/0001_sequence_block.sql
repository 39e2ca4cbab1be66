-- +goose Up
create table sequence_block (
    node   text   not null check (node <> ''),
    name   text   not null,
    year   int    not null,
    next   bigint not null check (next >= 1),
    primary key (node, name, year)
);
alter table sequence_block enable row level security;
alter table sequence_block force row level security;
create policy tenant on sequence_block
    using (node = current_setting('app.node'))
    with check (node = current_setting('app.node'));
