-- +goose Up
-- Every table has the tenant in its key and forced row security, so that no statement can reach another tenant's rows.

-- Cases in their current state. Notes are encrypted with the data key case_id of the key database.
create table case_file (
    tenant             text        not null check (tenant <> ''),
    case_id            uuid        not null,
    seq                bigint      generated always as identity,
    number             text        not null,
    pseudonym          uuid        not null, -- the case's name in events; used for nothing else
    state              text        not null,
    previous_state     text        not null default '', -- state in which a transfer was proposed
    version            bigint      not null check (version >= 1),
    episode            int         not null check (episode >= 1),
    received_year      int         not null,
    received_month     int         not null check (received_month between 1 and 12),
    channel            text        not null,
    reporter_role      text        not null,
    opened_at          timestamptz not null,
    closed_at          timestamptz,
    assessment_version bigint, -- of the current assessment
    event_seq          bigint      not null check (event_seq >= 1),
    outcome            text,
    secondary_outcomes text[],
    person_informed    boolean,
    closing_note       bytea,
    constraint case_number unique (tenant, number),
    constraint case_pseudonym unique (pseudonym),
    check ((state in ('CLOSED', 'ARCHIVED', 'ANONYMISED')) = (closed_at is not null)),
    check ((outcome is null) = (closed_at is null))
);
create index case_newest on case_file (tenant, seq desc);
create index case_newest_by_state on case_file (tenant, state, seq desc);
-- The primary key comes last: before there are statistics, Postgres takes the newest of the indexes that a look-up could
-- use, and keeps that plan.
alter table case_file add primary key (tenant, case_id);

-- The reports of each case. The primary key limits a report to one case.
create table case_report (
    tenant    text not null,
    report_id uuid not null,
    case_id   uuid not null,
    primary key (tenant, report_id),
    foreign key (tenant, case_id) references case_file (tenant, case_id) on delete cascade
);
create index case_report_case on case_report (tenant, case_id);

-- All assessments, also superseded ones. The version is that of the case after the assessment.
create table assessment (
    tenant         text     not null,
    case_id        uuid     not null,
    version        bigint   not null,
    verdict        text     not null,
    grounds        text[]   not null check (cardinality(grounds) >= 1),
    main_ground    text     not null check (main_ground = any (grounds)),
    type           text     not null,
    flags          text[]   not null,
    field          text     not null,
    author_kinds   text[]   not null check (cardinality(author_kinds) >= 1),
    incident_year  int,
    incident_month int      check (incident_month between 1 and 12),
    event_place    text     not null,
    residence      text     not null,
    sensitivity    text     not null,
    primary key (tenant, case_id, version),
    foreign key (tenant, case_id) references case_file (tenant, case_id) on delete cascade,
    check ((incident_year is null) = (incident_month is null))
);

-- The actions taken in each case.
create table action (
    tenant          text        not null,
    case_id         uuid        not null,
    action_id       uuid        not null,
    version         bigint      not null,
    code            text        not null,
    result          text        not null,
    referral_target text        not null,
    minutes         int         not null check (minutes between 0 and 1440),
    note            bytea,
    at              timestamptz not null,
    person          text        not null,
    actor_tenant    text        not null,
    system          text        not null,
    primary key (tenant, case_id, action_id),
    foreign key (tenant, case_id) references case_file (tenant, case_id) on delete cascade
);

-- The changes of each case.
create table case_history (
    tenant     text        not null,
    case_id    uuid        not null,
    version    bigint      not null,
    at         timestamptz not null,
    person     text        not null,
    actor_tenant text        not null,
    system     text        not null,
    what       text        not null,
    from_state text        not null,
    to_state   text        not null,
    primary key (tenant, case_id, version),
    foreign key (tenant, case_id) references case_file (tenant, case_id) on delete cascade
);

-- Each time a person opened the notes of a case.
create table access_log (
    tenant    text        not null,
    access_id uuid        not null,
    case_id   uuid        not null,
    at        timestamptz not null,
    person    text        not null,
    system    text        not null,
    primary key (tenant, access_id),
    foreign key (tenant, case_id) references case_file (tenant, case_id) on delete cascade
);
create index access_log_case on access_log (tenant, case_id, at);

-- +goose StatementBegin
do $$
declare t text;
begin
    foreach t in array array ['case_file', 'case_report', 'assessment', 'action', 'case_history', 'access_log'] loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format('create policy tenant on %I using (tenant = current_setting(''app.tenant''))
            with check (tenant = current_setting(''app.tenant''))', t);
    end loop;
end $$;
-- +goose StatementEnd

-- The runtime role may add to these, never change them; and it deletes no case, whose history would go with it.
revoke update, delete on case_report, assessment, action, case_history, access_log from pari_app;
revoke delete on case_file from pari_app;
