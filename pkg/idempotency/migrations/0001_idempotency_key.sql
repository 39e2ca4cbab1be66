-- +goose Up
create table idempotency_key (
    tenant      text  not null check (tenant <> ''),
    request_key bytea not null check (request_key <> ''), -- a hash: a time-based id would tell the time
    method      text  not null,
    body_hash   bytea not null,
    record_id   uuid  not null,
    day         date  not null,
    constraint idempotency_key_pkey primary key (tenant, request_key)
);
-- The day comes first, so that no look-up of a tenant's key can use this index.
create index idempotency_key_day on idempotency_key (day, tenant);
alter table idempotency_key enable row level security;
alter table idempotency_key force row level security;
create policy tenant on idempotency_key
    using (tenant = current_setting('app.tenant'))
    with check (tenant = current_setting('app.tenant'));
