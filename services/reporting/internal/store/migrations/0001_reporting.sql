-- +goose Up
-- What the centre knows: codes, months and provinces, per region. A region is the tenant here: every row has one, and a
-- transaction sees the rows of the region that it names.

-- The nodes of the network, as far as their keys are known here. Public.
create table node (
    region text not null,
    node   text not null,
    primary key (region, node)
);

-- One line per service of a node: how far its events have taken effect.
create table line (
    region       text   not null,
    node         text   not null,
    source       text   not null,
    applied_seq  bigint not null default 0 check (applied_seq >= 0),
    applied_hash bytea  not null default decode(repeat('00', 32), 'hex') check (octet_length(applied_hash) = 32),
    last_seq     bigint not null default 0, -- highest number announced or seen
    pending      bigint not null default 0, -- events that the node says it has not sent
    waiting      bigint not null default 0 check (waiting >= 0), -- rows of parked behind a gap
    duplicates   bigint not null default 0,
    reports      bigint not null default 0, -- facts that this line has made
    cases        bigint not null default 0,
    heard_at     timestamptz,
    primary key (region, node, source)
) with (fillfactor = 50);

-- Every number that took effect or was parked for good, for ever: a second event under an old number is seen as what it is.
create table inbox (
    region     text   not null,
    node       text   not null,
    source     text   not null,
    node_seq   bigint not null,
    event_id   uuid   not null,
    event_hash bytea  not null check (octet_length(event_hash) = 32),
    primary key (region, node, source, node_seq)
);

-- Events that wait: behind a gap (class 'gap'), refused (any other), or behind a refused one of their case ('behind').
create table parked (
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
create index parked_aggregate on parked (region, node, source, aggregate, aggregate_seq) where class <> 'gap';

-- Facts. A month is year * 100 + month, 0 when not known.
create table fact_report (
    region        text    not null,
    node          text    not null,
    pseudonym     text    not null,
    seq           bigint  not null,
    received      integer not null,
    channel       text    not null,
    reporter_role text    not null,
    anonymous     boolean not null,
    primary key (region, node, pseudonym)
);

-- Groups are kept as they were when the case was counted: cells are taken back under the same ones.
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
    sealed              boolean not null,
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
    constraint fact_case_sealed check (not sealed or (
        num_nonnulls(nullif(channel, ''), nullif(reporter_role, ''), nullif(verdict, ''), nullif(main_ground, ''), nullif(type, ''),
                     nullif(field, ''), nullif(event_territory, ''), nullif(residence_territory, ''), nullif(outcome, '')) = 0
        and cardinality(grounds) + cardinality(flags) + cardinality(author_kinds) + cardinality(secondary_outcomes) + incident + actions = 0))
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
    tbl        text        not null,
    year       integer     not null,
    a          text        not null,
    b          text        not null,
    c          text        not null,
    n          bigint      not null check (n >= 0),
    changed_at timestamptz not null, -- cut to the hour
    primary key (region, tbl, year, a, b, c)
) with (fillfactor = 50);

alter table node        enable row level security;
alter table node        force  row level security;
alter table line        enable row level security;
alter table line        force  row level security;
alter table inbox       enable row level security;
alter table inbox       force  row level security;
alter table parked      enable row level security;
alter table parked      force  row level security;
alter table fact_report enable row level security;
alter table fact_report force  row level security;
alter table fact_case   enable row level security;
alter table fact_case   force  row level security;
alter table fact_action enable row level security;
alter table fact_action force  row level security;
alter table cell        enable row level security;
alter table cell        force  row level security;

create policy public_data on node        using (true) with check (true);
create policy tenant      on line        using (region = current_setting('app.region')) with check (region = current_setting('app.region'));
create policy tenant      on inbox       using (region = current_setting('app.region')) with check (region = current_setting('app.region'));
create policy tenant      on parked      using (region = current_setting('app.region')) with check (region = current_setting('app.region'));
create policy tenant      on fact_report using (region = current_setting('app.region')) with check (region = current_setting('app.region'));
create policy tenant      on fact_case   using (region = current_setting('app.region')) with check (region = current_setting('app.region'));
create policy tenant      on fact_action using (region = current_setting('app.region')) with check (region = current_setting('app.region'));
create policy tenant      on cell        using (region = current_setting('app.region')) with check (region = current_setting('app.region'));

-- What took effect stays: the runtime role may not rewrite or delete it.
revoke all on node, line, inbox, parked, fact_report, fact_case, fact_action, cell from pari_app;
grant select, insert                 on node, inbox                        to pari_app;
grant select, insert, update         on line, fact_report, fact_case, cell to pari_app;
grant select, insert, update, delete on parked                             to pari_app;
grant select, insert, delete         on fact_action                        to pari_app;
