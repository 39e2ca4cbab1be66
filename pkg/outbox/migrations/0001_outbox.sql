-- +goose Up
-- Events of the service, per tenant. Written with the change that causes them, numbered and signed by the relay.
create table outbox (
    node          text   not null,
    id            bigint generated always as identity,
    event_id      uuid   not null,
    type          text   not null,
    aggregate     text   not null,
    aggregate_seq bigint not null check (aggregate_seq > 0),
    data          bytea  not null,
    traceparent   text   not null default '',
    -- from here on: the relay
    node_seq      bigint check (node_seq > 0),
    prev_hash     bytea  check (octet_length(prev_hash) = 32),
    key_id        text,
    signature     bytea,
    sent_on       date,
    resends       integer not null default 0,
    primary key (node, id),
    constraint outbox_aggregate_seq unique (node, aggregate, aggregate_seq),
    constraint outbox_numbered check (num_nulls(node_seq, prev_hash, key_id, signature) in (0, 4)),
    constraint outbox_sent_is_numbered check (sent_on is null or node_seq is not null)
);
create unique index outbox_node_seq on outbox (node, node_seq) where node_seq is not null;
create index outbox_unnumbered on outbox (node, id) where node_seq is null;
create index outbox_unsent on outbox (node, node_seq) where sent_on is null and node_seq is not null;

-- The end of each line. Its row is what a relay holds while it numbers.
create table outbox_line (
    node          text   primary key,
    last_seq      bigint not null default 0 check (last_seq >= 0),
    last_hash     bytea  not null default decode(repeat('00', 32), 'hex') check (octet_length(last_hash) = 32),
    confirmed_seq bigint not null default 0 check (confirmed_seq >= 0)
);

alter table outbox enable row level security;
alter table outbox force row level security;
alter table outbox_line enable row level security;
alter table outbox_line force row level security;
create policy tenant on outbox
    using (node = current_setting('app.node')) with check (node = current_setting('app.node'));
create policy tenant on outbox_line
    using (node = current_setting('app.node')) with check (node = current_setting('app.node'));

-- What was written stays as written: the runtime role may add, number and mark, never rewrite.
grant select, delete on outbox to pari_app;
grant insert (node, event_id, type, aggregate, aggregate_seq, data, traceparent) on outbox to pari_app;
grant update (node_seq, prev_hash, key_id, signature, sent_on, resends) on outbox to pari_app;
grant select, insert, update on outbox_line to pari_app;
