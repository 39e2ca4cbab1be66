-- +goose Up
-- Every table has the node in its key, and row security forced: the second wall between nodes.

-- A case as it is now. Notes are sealed with the data key that key_id names in the key database.
create table case_file (
    node           text        not null check (node <> ''),
    case_id        uuid        not null,
    seq            bigint      generated always as identity,
    number         text        not null,
    pseudonym      uuid        not null, -- what the centre knows it by; made for this alone
    state          text        not null,
    before_state   text        not null default '', -- where a refused transfer leads back to
    version        bigint      not null check (version >= 1),
    episode        int         not null check (episode >= 1),
    received_year  int         not null,
    received_month int         not null check (received_month between 1 and 12),
    channel        text        not null,
    reporter_role  text        not null,
    opened_at      timestamptz not null,
    closed_at      timestamptz,
    assessed       bigint, -- version of the assessment that holds
    event_seq      bigint      not null check (event_seq >= 1),
    key_id         uuid        not null,
    outcome            text,
    secondary_outcomes text[],
    person_informed    boolean,
    closing_note       bytea,
    primary key (node, case_id),
    constraint case_number unique (node, number),
    constraint case_pseudonym unique (pseudonym),
    check ((state in ('CLOSED', 'ARCHIVED', 'ANONYMISED')) = (closed_at is not null)),
    check ((outcome is null) = (closed_at is null))
);
create index case_newest on case_file (node, seq desc);
create index case_newest_by_state on case_file (node, state, seq desc);

-- Which reports a case was opened from: a report has one case, whatever is asked how often.
create table case_report (
    node      text not null,
    report_id uuid not null,
    case_id   uuid not null,
    constraint case_report_once primary key (node, report_id),
    foreign key (node, case_id) references case_file (node, case_id) on delete cascade
);
create index case_report_case on case_report (node, case_id);

-- Every assessment ever made; the version is that of the case after it.
create table assessment (
    node           text     not null,
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
    primary key (node, case_id, version),
    foreign key (node, case_id) references case_file (node, case_id) on delete cascade,
    check ((incident_year is null) = (incident_month is null))
);

create table action (
    node            text        not null,
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
    acting_for      text        not null,
    system          text        not null,
    primary key (node, case_id, action_id),
    foreign key (node, case_id) references case_file (node, case_id) on delete cascade
);

create table case_history (
    node       text        not null,
    case_id    uuid        not null,
    version    bigint      not null,
    at         timestamptz not null,
    person     text        not null,
    acting_for text        not null,
    system     text        not null,
    what       text        not null,
    from_state text        not null,
    to_state   text        not null,
    primary key (node, case_id, version),
    foreign key (node, case_id) references case_file (node, case_id) on delete cascade
);

-- Who opened the notes of a case, and when.
create table opening (
    node       text        not null,
    opening_id uuid        not null,
    case_id    uuid        not null,
    at         timestamptz not null,
    person     text        not null,
    system     text        not null,
    primary key (node, opening_id),
    foreign key (node, case_id) references case_file (node, case_id) on delete cascade
);
create index opening_case on opening (node, case_id, at);

-- +goose StatementBegin
do $$
declare t text;
begin
    foreach t in array array ['case_file', 'case_report', 'assessment', 'action', 'case_history', 'opening'] loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format('create policy tenant on %I using (node = current_setting(''app.node'')) with check (node = current_setting(''app.node''))', t);
    end loop;
end $$;
-- +goose StatementEnd
