-- +goose Up
-- Events of the service, per tenant: stored with the change that causes them, numbered and signed by the relay.
create table outbox (
    tenant        text    not null,
    id            bigint  generated always as identity,
    event_id      uuid    not null,
    type          text    not null,
    aggregate     text    not null check (length(aggregate) between 1 and 200),
    aggregate_seq bigint  not null check (aggregate_seq > 0),
    data          bytea   not null check (octet_length(data) <= 32768),
    traceparent   text    not null,
    -- set by the relay:
    node_seq      bigint  check (node_seq > 0),
    prev_hash     bytea   check (octet_length(prev_hash) = 32),
    key_id        text,
    signature     bytea,
    resends       integer not null default 0,
    constraint outbox_aggregate_seq primary key (tenant, aggregate, aggregate_seq),
    constraint outbox_numbered check (num_nulls(node_seq, prev_hash, key_id, signature) in (0, 4))
);
create unique index outbox_node_seq on outbox (tenant, node_seq) where node_seq is not null;
-- The only index on id covers unnumbered events, so finding them does not cost more as history grows.
create index outbox_unnumbered on outbox (tenant, id) where node_seq is null;
alter table outbox set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02);

-- Offsets of each partition: numbered, acknowledged by the hub, acknowledged by the centre. A relay locks the row while
-- it numbers events.
create table outbox_partition (
    tenant           text   primary key,
    last_seq         bigint not null default 0,
    last_hash        bytea  not null default decode(repeat('00', 32), 'hex') check (octet_length(last_hash) = 32),
    published_seq    bigint not null default 0,
    acknowledged_seq bigint not null default 0,
    -- set by a repair: the centre may know numbers up to here that a restore has lost
    lost_seq         bigint not null default 0,
    check (0 <= acknowledged_seq and acknowledged_seq <= published_seq and published_seq <= last_seq)
);

-- What only the centre has, found by a repair after a restore. The node keeps or withdraws each report or case.
create table outbox_lost (
    tenant        text   not null,
    event_id      uuid   not null,
    type          text   not null,
    aggregate     text   not null,
    aggregate_seq bigint not null,
    node_seq      bigint not null,
    decision      text   not null default '' check (decision in ('', 'keep', 'withdraw')),
    primary key (tenant, node_seq, event_id)
);

-- The acknowledged offset at the end of each day, which tells what is old enough to prune.
create table outbox_daily_offset (
    tenant           text   not null,
    day              date   not null,
    acknowledged_seq bigint not null,
    primary key (tenant, day)
);

alter table outbox enable row level security;
alter table outbox force row level security;
alter table outbox_partition enable row level security;
alter table outbox_partition force row level security;
alter table outbox_lost enable row level security;
alter table outbox_lost force row level security;
alter table outbox_daily_offset enable row level security;
alter table outbox_daily_offset force row level security;
create policy tenant on outbox
    using (tenant = current_setting('app.tenant')) with check (tenant = current_setting('app.tenant'));
create policy tenant on outbox_partition
    using (tenant = current_setting('app.tenant')) with check (tenant = current_setting('app.tenant'));
create policy tenant on outbox_lost
    using (tenant = current_setting('app.tenant')) with check (tenant = current_setting('app.tenant'));
create policy tenant on outbox_daily_offset
    using (tenant = current_setting('app.tenant')) with check (tenant = current_setting('app.tenant'));

-- The runtime role may add events, number them and count resends, never rewrite them.
revoke all on outbox, outbox_partition, outbox_lost, outbox_daily_offset from pari_app;
grant select, delete on outbox, outbox_daily_offset to pari_app;
grant insert (tenant, event_id, type, aggregate, aggregate_seq, data, traceparent) on outbox to pari_app;
grant update (node_seq, prev_hash, key_id, signature, resends) on outbox to pari_app;
grant select, insert, update on outbox_partition to pari_app;
grant select on outbox_lost to pari_app;
grant update (decision) on outbox_lost to pari_app;
grant insert, update on outbox_daily_offset to pari_app;
