-- +goose Up
create table request (
    node       text  not null check (node <> ''),
    request_id uuid  not null,
    method     text  not null,
    body_hash  bytea not null,
    record_id  uuid  not null,
    day        date  not null,
    constraint request_pkey primary key (node, request_id)
);
create index request_day on request (node, day);
alter table request enable row level security;
alter table request force row level security;
create policy tenant on request
    using (node = current_setting('app.node'))
    with check (node = current_setting('app.node'));
