-- +goose Up
-- Events of the service, per tenant: written with the change that causes them, numbered and signed by the relay.
create table outbox (
    node          text    not null,
    id            bigint  generated always as identity,
    event_id      uuid    not null,
    type          text    not null,
    aggregate     text    not null check (length(aggregate) between 1 and 200),
    aggregate_seq bigint  not null check (aggregate_seq > 0),
    data          bytea   not null check (octet_length(data) <= 32768),
    traceparent   text    not null,
    -- from here on: the relay
    node_seq      bigint  check (node_seq > 0),
    prev_hash     bytea   check (octet_length(prev_hash) = 32),
    key_id        text,
    signature     bytea,
    resends       integer not null default 0,
    constraint outbox_aggregate_seq primary key (node, aggregate, aggregate_seq),
    constraint outbox_numbered check (num_nulls(node_seq, prev_hash, key_id, signature) in (0, 4))
);
create unique index outbox_node_seq on outbox (node, node_seq) where node_seq is not null;
-- The only index that knows id: what is waiting can be found without looking at what is done.
create index outbox_waiting on outbox (node, id) where node_seq is null;
alter table outbox set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02);

-- How far each line is: numbered, acknowledged by the hub, applied by the centre. A relay holds the row while it numbers.
create table outbox_line (
    node          text   primary key,
    last_seq      bigint not null default 0,
    last_hash     bytea  not null default decode(repeat('00', 32), 'hex') check (octet_length(last_hash) = 32),
    sent_seq      bigint not null default 0,
    confirmed_seq bigint not null default 0,
    check (0 <= confirmed_seq and confirmed_seq <= sent_seq and sent_seq <= last_seq)
);

-- How far the centre was at the end of each day: what was confirmed long enough ago may go.
create table outbox_day (
    node          text   not null,
    day           date   not null,
    confirmed_seq bigint not null,
    primary key (node, day)
);

alter table outbox enable row level security;
alter table outbox force row level security;
alter table outbox_line enable row level security;
alter table outbox_line force row level security;
alter table outbox_day enable row level security;
alter table outbox_day force row level security;
create policy tenant on outbox
    using (node = current_setting('app.node')) with check (node = current_setting('app.node'));
create policy tenant on outbox_line
    using (node = current_setting('app.node')) with check (node = current_setting('app.node'));
create policy tenant on outbox_day
    using (node = current_setting('app.node')) with check (node = current_setting('app.node'));

-- What was written stays as written: the runtime role may add, number and count, never rewrite.
revoke all on outbox, outbox_line, outbox_day from pari_app;
grant select, delete on outbox, outbox_day to pari_app;
grant insert (node, event_id, type, aggregate, aggregate_seq, data, traceparent) on outbox to pari_app;
grant update (node_seq, prev_hash, key_id, signature, resends) on outbox to pari_app;
grant select, insert, update on outbox_line to pari_app;
grant insert, update on outbox_day to pari_app;
