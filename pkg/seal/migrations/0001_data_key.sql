-- +goose Up
-- Wrapped data keys. A row holds no time but the month in which its batch was generated: the time of a key would be the
-- time of a report. The month tells which unused keys are old.
create table data_key (
    tenant  text  not null check (tenant <> ''),
    key_id  uuid  not null,
    wrapped bytea not null,
    created_month date not null default date_trunc('month', now() at time zone 'UTC')::date,
    primary key (tenant, key_id)
);
alter table data_key enable row level security;
alter table data_key force row level security;
create policy tenant on data_key
    using (tenant = current_setting('app.tenant'))
    with check (tenant = current_setting('app.tenant'));
