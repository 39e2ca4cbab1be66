-- +goose Up
create table idempotency_key (
    node       text  not null check (node <> ''),
    request_id uuid  not null,
    method     text  not null,
    body_hash  bytea not null,
    record_id  uuid  not null,
    day        date  not null,
    constraint idempotency_key_pkey primary key (node, request_id)
);
create index idempotency_key_day on idempotency_key (node, day);
alter table idempotency_key enable row level security;
alter table idempotency_key force row level security;
create policy tenant on idempotency_key
    using (node = current_setting('app.node'))
    with check (node = current_setting('app.node'));
