-- +goose Up
-- The statistical zone: codes, months and provinces. The tenant is the region: every row has one, and a transaction
-- sees only the rows of the region that it sets.

-- Nodes whose public keys have been seen. Public data.
create table node (
    region text not null,
    node   text not null,
    primary key (region, node)
);

-- Offsets and counters of each partition of the feed: what one service of one node sends.
create table partition (
    region            text   not null,
    node              text   not null,
    source            text   not null,
    acknowledged_seq  bigint not null default 0 check (acknowledged_seq >= 0),
    acknowledged_hash bytea  not null default decode(repeat('00', 32), 'hex')
                             check (octet_length(acknowledged_hash) = 32),
    last_seq          bigint not null default 0, -- highest number announced by a heartbeat or received
    pending           bigint not null default 0, -- events not yet sent, as announced by the node
    buffered          bigint not null default 0 check (buffered >= 0), -- rows of unapplied_event with class 'gap'
    duplicates        bigint not null default 0,
    reports           bigint not null default 0, -- facts created by events of this partition, withdrawn ones not counted
    cases             bigint not null default 0,
    last_seen_at      timestamptz, -- last event or heartbeat
    primary key (region, node, source)
) with (fillfactor = 50);

-- Every number that was applied, dead-lettered or blocked. Rows are never deleted, so a second event with a used number
-- is always recognised as a duplicate or a fork. A node that was restored from a backup compares them with its own.
create table inbox (
    region        text   not null,
    node          text   not null,
    source        text   not null,
    node_seq      bigint not null,
    event_id      uuid   not null,
    event_hash    bytea  not null check (octet_length(event_hash) = 32),
    type          text   not null,
    aggregate     text   not null,
    aggregate_seq bigint not null,
    primary key (region, node, source, node_seq)
);

-- Events that were received and not applied: buffered behind a gap (class 'gap'), blocked by a dead-lettered event of
-- the same report or case (class 'blocked'), or dead-lettered (any other class).
create table unapplied_event (
    region        text   not null,
    node          text   not null,
    source        text   not null,
    node_seq      bigint not null,
    class         text   not null,
    event_id      uuid   not null,
    event_hash    bytea  not null check (octet_length(event_hash) = 32),
    prev_hash     bytea  not null check (octet_length(prev_hash) = 32),
    type          text   not null,
    aggregate     text   not null,
    aggregate_seq bigint not null,
    data          bytea  not null,
    primary key (region, node, source, node_seq)
);
create index unapplied_event_aggregate on unapplied_event (region, node, source, aggregate, aggregate_seq)
    where class <> 'gap';

-- Facts. A month is stored as year * 100 + month, 0 when unknown.
create table fact_report (
    region        text    not null,
    node          text    not null,
    pseudonym     text    not null,
    seq           bigint  not null,
    received      integer not null,
    channel       text    not null,
    reporter_role text    not null,
    anonymous     boolean not null,
    withdrawn     boolean not null, -- counted by mistake; no event follows
    primary key (region, node, pseudonym)
);

-- Groups are stored as they were when the case was counted, so that its cells are decremented under the same groups.
create table fact_case (
    region              text    not null,
    node                text    not null,
    pseudonym           text    not null,
    seq                 bigint  not null,
    opened              integer not null,
    received            integer not null,
    channel             text    not null,
    reporter_role       text    not null,
    actions             integer not null,
    restricted          boolean not null,
    verdict             text    not null,
    pertinent           boolean not null,
    grounds             text[]  not null,
    main_ground         text    not null,
    ground_group        text    not null,
    type                text    not null,
    flags               text[]  not null,
    field               text    not null,
    field_group         text    not null,
    author_kinds        text[]  not null,
    incident            integer not null,
    event_territory     text    not null,
    residence_territory text    not null,
    closed              integer not null,
    outcome             text    not null,
    outcome_group       text    not null,
    secondary_outcomes  text[]  not null,
    primary key (region, node, pseudonym),
    constraint fact_case_restricted check (not restricted or (
        num_nonnulls(nullif(channel, ''), nullif(reporter_role, ''), nullif(verdict, ''), nullif(main_ground, ''),
                     nullif(type, ''), nullif(field, ''), nullif(event_territory, ''), nullif(residence_territory, ''),
                     nullif(outcome, '')) = 0
        and cardinality(grounds) + cardinality(flags) + cardinality(author_kinds) + cardinality(secondary_outcomes)
            + incident + actions = 0))
);

create table fact_action (
    region    text    not null,
    node      text    not null,
    pseudonym text    not null,
    seq       bigint  not null,
    month     integer not null,
    code      text    not null,
    result    text    not null,
    primary key (region, node, pseudonym, seq)
);

-- True counts. They leave the service through package disclosure only.
create table cell (
    region     text        not null,
    table_code text        not null,
    year       integer     not null,
    a          text        not null, -- category of the first dimension
    b          text        not null,
    c          text        not null,
    count      bigint      not null check (count >= 0),
    changed_at timestamptz not null, -- truncated to the hour
    primary key (region, table_code, year, a, b, c)
) with (fillfactor = 50);

alter table node            enable row level security;
alter table node            force  row level security;
alter table partition       enable row level security;
alter table partition       force  row level security;
alter table inbox           enable row level security;
alter table inbox           force  row level security;
alter table unapplied_event enable row level security;
alter table unapplied_event force  row level security;
alter table fact_report     enable row level security;
alter table fact_report     force  row level security;
alter table fact_case       enable row level security;
alter table fact_case       force  row level security;
alter table fact_action     enable row level security;
alter table fact_action     force  row level security;
alter table cell            enable row level security;
alter table cell            force  row level security;

create policy public_data on node using (true) with check (true);
create policy tenant on partition
    using (region = current_setting('app.region')) with check (region = current_setting('app.region'));
create policy tenant on inbox
    using (region = current_setting('app.region')) with check (region = current_setting('app.region'));
create policy tenant on unapplied_event
    using (region = current_setting('app.region')) with check (region = current_setting('app.region'));
create policy tenant on fact_report
    using (region = current_setting('app.region')) with check (region = current_setting('app.region'));
create policy tenant on fact_case
    using (region = current_setting('app.region')) with check (region = current_setting('app.region'));
create policy tenant on fact_action
    using (region = current_setting('app.region')) with check (region = current_setting('app.region'));
create policy tenant on cell
    using (region = current_setting('app.region')) with check (region = current_setting('app.region'));

-- The runtime role may not rewrite the inbox, nor delete reports, cases and cells. It deletes the actions of restricted
-- cases.
revoke all on node, partition, inbox, unapplied_event, fact_report, fact_case, fact_action, cell from pari_app;
grant select, insert                 on node, inbox                             to pari_app;
grant select, insert, update         on partition, fact_report, fact_case, cell to pari_app;
grant select, insert, update, delete on unapplied_event                         to pari_app;
grant select, insert, delete         on fact_action                             to pari_app;
