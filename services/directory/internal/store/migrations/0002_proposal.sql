-- +goose Up
-- Changes that one person proposes and another person decides.
create table proposal (
    proposal_id     uuid        primary key,
    seq             bigint      generated always as identity unique,
    version         bigint      not null default 1 check (version >= 1),
    state           text        not null default 'PENDING'
                    check (state in ('PENDING', 'SCHEDULED', 'APPLIED', 'REJECTED', 'CONFLICT')),
    reason          text        not null,
    effective_on    date,
    proposer_person text        not null,
    proposer_tenant text        not null,
    proposer_system text        not null,
    proposed_at     timestamptz not null,
    decider_person  text,
    decider_tenant  text,
    decider_system  text,
    decided_at      timestamptz,
    note            text        not null default '',
    revision        bigint      not null default 0,
    check ((state = 'PENDING') = (decided_at is null)),
    check ((state = 'APPLIED') = (revision > 0))
);
create index proposal_due on proposal (effective_on) where state = 'SCHEDULED';
create index proposal_newest_by_state on proposal (state, seq desc);

create table proposal_entry (
    proposal_id    uuid   not null references proposal (proposal_id),
    kind           text   not null,
    id             text   not null,
    base_revision  bigint not null,
    changed_fields text[] not null,
    content        jsonb  not null check (jsonb_typeof(content) = 'object'),
    primary key (proposal_id, kind, id)
);

alter table proposal enable row level security;
alter table proposal force row level security;
alter table proposal_entry enable row level security;
alter table proposal_entry force row level security;
create policy public_read on proposal for select using (true);
create policy public_read on proposal_entry for select using (true);
create policy service_insert on proposal for insert with check (state = 'PENDING');
create policy service_update on proposal for update using (true);
create policy service_insert on proposal_entry for insert with check (true);
-- The service adds states of entries and moves the flag "current". It cannot change or delete a state or a code list.
create policy service_insert on entry for insert with check (true);
create policy service_update on entry for update using (true);
create policy service_update on directory_state for update using (true);
revoke all on proposal, proposal_entry from pari_app;
grant select, insert on proposal, proposal_entry to pari_app;
grant update (version, state, decider_person, decider_tenant, decider_system, decided_at, note, revision)
    on proposal to pari_app;
grant insert, update (current) on entry to pari_app;
grant update (revision, updated_at) on directory_state to pari_app;
