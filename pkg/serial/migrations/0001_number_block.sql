-- +goose Up
create table number_block (
    node   text   not null check (node <> ''),
    series text   not null,
    year   int    not null,
    next   bigint not null check (next >= 1),
    primary key (node, series, year)
);
alter table number_block enable row level security;
alter table number_block force row level security;
create policy tenant on number_block
    using (node = current_setting('app.node'))
    with check (node = current_setting('app.node'));
