-- +goose Up
-- Every table has the tenant in its key and forced row security, so that no statement can reach another tenant's rows.

-- Reports. Personal content is encrypted with the data key report_id of the key database; the other columns are codes.
create table report (
    tenant           text        not null check (tenant <> ''),
    report_id        uuid        not null,
    number           text        collate "C" not null,
    received_on      date        not null, -- in Italy; the minute of a report that is not anonymous is sealed
    state            text        not null check (state in ('RECEIVED', 'HANDING_OVER', 'TAKEN_IN_CHARGE')),
    version          bigint      not null check (version >= 1),
    channel          text        not null,
    reporter_role    text        not null,
    anonymous        boolean     not null,
    grounds          text[]      not null check (cardinality(grounds) >= 1),
    wish             text        not null,
    incident_place   text        not null,
    language         text        not null,
    urgent           boolean     not null,
    notice_version   text        not null,
    consent_codes    text[]      not null,
    consent_statuses text[]      not null check (cardinality(consent_statuses) = cardinality(consent_codes)),
    sealed_content   bytea       not null,
    event_seq        bigint      not null default 1 check (event_seq >= 1), -- number of the last event about its count
    withdrawn        boolean     not null default false, -- it does not count
    receipt_lookup   bytea       not null,
    case_id          uuid,
    case_number      text,
    constraint report_number unique (tenant, number),
    constraint report_receipt unique (tenant, receipt_lookup),
    check ((state = 'TAKEN_IN_CHARGE') = (case_id is not null)),
    check ((case_id is null) = (case_number is null))
) with (toast_tuple_target = 8160); -- a usual report is one row: no second table to write
-- Encrypted content cannot be compressed.
alter table report alter column sealed_content set storage external;
-- The order of lists, by state. Within a day it is random but for urgency, because report_id is.
create index report_order on report (tenant, state, received_on, urgent, report_id);
-- The primary key comes last: before there are statistics, Postgres takes the newest of the indexes that a look-up could
-- use, and keeps that plan.
alter table report add primary key (tenant, report_id);

-- Counts of anonymous reports that wait until the day of the report has closed. The pseudonym is random to everybody who
-- does not have the node's key, so the rows tell neither order nor time.
create table anonymous_count (
    tenant    text  not null,
    pseudonym uuid  not null,
    day       date  not null, -- in Italy
    type      text  not null,
    data      bytea not null,
    primary key (tenant, pseudonym)
);

-- The changes of each report.
create table report_history (
    tenant     text        not null,
    report_id  uuid        not null,
    version    bigint      not null,
    at         timestamptz not null,
    person     text        not null,
    actor_tenant text        not null,
    system     text        not null,
    what       text        not null,
    from_state text        not null,
    to_state   text        not null,
    primary key (tenant, report_id, version),
    foreign key (tenant, report_id) references report (tenant, report_id) on delete cascade
);

-- Hand-overs to case management. Each is inserted with the decision, and completed once its case is opened.
create table handover (
    tenant       text        not null,
    handover_id  uuid        not null,
    report_id    uuid        not null,
    person       text        not null,
    system       text        not null,
    decided_at   timestamptz not null,
    retry_at     timestamptz not null, -- the next attempt; before the first, the decision
    attempts     integer     not null default 0, -- that have failed
    refusals     integer     not null default 0, -- those of them in which case management refused the hand-over
    reason       text        not null default '', -- of the last failure: a reason of the API or a gRPC code
    dead_lettered boolean    not null default false, -- no attempt before an operator asks for it
    completed    boolean     not null default false,
    primary key (tenant, handover_id),
    unique (tenant, report_id),
    foreign key (tenant, report_id) references report (tenant, report_id) on delete cascade
);
create index handover_pending on handover (tenant, retry_at) where not completed and not dead_lettered;
create index handover_dead_lettered on handover (tenant, decided_at) where not completed and dead_lettered;

-- Each time a person opened the sealed content of a report.
create table access_log (
    tenant    text        not null,
    access_id uuid        not null,
    report_id uuid        not null,
    at        timestamptz not null,
    person    text        not null,
    system    text        not null,
    primary key (tenant, access_id),
    foreign key (tenant, report_id) references report (tenant, report_id) on delete cascade
);
create index access_log_report on access_log (tenant, report_id, at);

-- +goose StatementBegin
do $$
declare t text;
begin
    foreach t in array array ['report', 'anonymous_count', 'report_history', 'handover', 'access_log'] loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format('create policy tenant on %I using (tenant = current_setting(''app.tenant''))
            with check (tenant = current_setting(''app.tenant''))', t);
    end loop;
end $$;
-- +goose StatementEnd

-- The runtime role may add to history and access log, never change them; and it deletes no report, whose history would
-- go with it.
revoke update, delete on report_history, access_log from pari_app;
revoke delete on report, handover from pari_app;
