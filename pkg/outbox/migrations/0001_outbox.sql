-- +goose Up
-- Events of the service, per tenant: stored with the change that causes them, numbered and signed by the relay.
create table outbox (
    node          text    not null,
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
    constraint outbox_aggregate_seq primary key (node, aggregate, aggregate_seq),
    constraint outbox_numbered check (num_nulls(node_seq, prev_hash, key_id, signature) in (0, 4))
);
create unique index outbox_node_seq on outbox (node, node_seq) where node_seq is not null;
-- The only index on id covers unnumbered events, so finding them does not cost more as history grows.
create index outbox_unnumbered on outbox (node, id) where node_seq is null;
alter table outbox set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02);

-- Offsets of each partition: numbered, acknowledged by the hub, acknowledged by the centre. A relay locks the row while
-- it numbers events.
create table outbox_partition (
    node             text   primary key,
    last_seq         bigint not null default 0,
    last_hash        bytea  not null default decode(repeat('00', 32), 'hex') check (octet_length(last_hash) = 32),
    published_seq    bigint not null default 0,
    acknowledged_seq bigint not null default 0,
    check (0 <= acknowledged_seq and acknowledged_seq <= published_seq and published_seq <= last_seq)
);

-- The acknowledged offset at the end of each day, which tells what is old enough to prune.
create table outbox_daily_offset (
    node             text   not null,
    day              date   not null,
    acknowledged_seq bigint not null,
    primary key (node, day)
);

alter table outbox enable row level security;
alter table outbox force row level security;
alter table outbox_partition enable row level security;
alter table outbox_partition force row level security;
alter table outbox_daily_offset enable row level security;
alter table outbox_daily_offset force row level security;
create policy tenant on outbox
    using (node = current_setting('app.node')) with check (node = current_setting('app.node'));
create policy tenant on outbox_partition
    using (node = current_setting('app.node')) with check (node = current_setting('app.node'));
create policy tenant on outbox_daily_offset
    using (node = current_setting('app.node')) with check (node = current_setting('app.node'));

-- The runtime role may add events, number them and count resends, never rewrite them.
revoke all on outbox, outbox_partition, outbox_daily_offset from pari_app;
grant select, delete on outbox, outbox_daily_offset to pari_app;
grant insert (node, event_id, type, aggregate, aggregate_seq, data, traceparent) on outbox to pari_app;
grant update (node_seq, prev_hash, key_id, signature, resends) on outbox to pari_app;
grant select, insert, update on outbox_partition to pari_app;
grant insert, update on outbox_daily_offset to pari_app;
