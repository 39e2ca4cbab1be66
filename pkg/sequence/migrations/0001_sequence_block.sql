-- +goose Up
create table sequence_block (
    tenant text   not null check (tenant <> ''),
    name   text   not null,
    year   int    not null,
    next   bigint not null check (next >= 1),
    primary key (tenant, name, year)
);
alter table sequence_block enable row level security;
alter table sequence_block force row level security;
create policy tenant on sequence_block
    using (tenant = current_setting('app.tenant'))
    with check (tenant = current_setting('app.tenant'));
