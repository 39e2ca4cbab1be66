-- +goose Up
-- Every table has the node in its key and forced row security, so that no statement can reach another node's rows.

-- Reports. Personal content is encrypted with the data key key_id of the key database; the other columns are codes.
create table report (
    node             text        not null check (node <> ''),
    report_id        uuid        not null,
    seq              bigint      generated always as identity,
    number           text        not null,
    received_at      timestamptz not null, -- truncated to the minute, of an anonymous report to the day
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
    key_id           uuid        not null,
    sealed_narrative bytea       not null,
    sealed_contact   bytea,
    sealed_date      bytea,
    receipt_lookup   bytea       not null,
    case_id          uuid,
    case_number      text,
    primary key (node, report_id),
    constraint report_number unique (node, number),
    constraint report_receipt unique (node, receipt_lookup),
    check ((state = 'TAKEN_IN_CHARGE') = (case_id is not null)),
    check ((case_id is null) = (case_number is null))
);
create index report_newest on report (node, seq desc);
create index report_newest_by_state on report (node, state, seq desc);

-- The changes of each report.
create table report_history (
    node       text        not null,
    report_id  uuid        not null,
    version    bigint      not null,
    at         timestamptz not null,
    person     text        not null,
    actor_node text        not null,
    system     text        not null,
    what       text        not null,
    from_state text        not null,
    to_state   text        not null,
    primary key (node, report_id, version),
    foreign key (node, report_id) references report (node, report_id) on delete cascade
);

-- Hand-overs to case management. Each is inserted with the decision, and completed once its case is opened.
create table handover (
    node         text        not null,
    handover_id  uuid        not null,
    report_id    uuid        not null,
    person       text        not null,
    system       text        not null,
    decided_at   timestamptz not null,
    attempted_at timestamptz not null, -- last failed retry; before the first, the decision
    completed    boolean     not null default false,
    primary key (node, handover_id),
    unique (node, report_id),
    foreign key (node, report_id) references report (node, report_id) on delete cascade
);
create index handover_pending on handover (node, attempted_at) where not completed;

-- Each time a person opened the sealed content of a report.
create table access_log (
    node      text        not null,
    access_id uuid        not null,
    report_id uuid        not null,
    at        timestamptz not null,
    person    text        not null,
    system    text        not null,
    primary key (node, access_id),
    foreign key (node, report_id) references report (node, report_id) on delete cascade
);
create index access_log_report on access_log (node, report_id, at);

-- +goose StatementBegin
do $$
declare t text;
begin
    foreach t in array array ['report', 'report_history', 'handover', 'access_log'] loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format('create policy tenant on %I using (node = current_setting(''app.node''))
            with check (node = current_setting(''app.node''))', t);
    end loop;
end $$;
-- +goose StatementEnd
