-- +goose Up
-- What the directory last published to reporting about each entry, by region: the number of that event and a digest of
-- its content. The contribution of an entry also depends on the date, so the publisher compares it with this row and
-- not with the previous state of the entry. The table is always empty at a node.
create table published_contribution (
    region    text   not null,
    aggregate text   not null,
    seq       bigint not null default 0 check (seq >= 0), -- 0: nothing was published yet
    digest    bytea  not null default '',
    -- Revision of the directory that was published. A server with an older directory changes nothing.
    revision  bigint not null default 0,
    primary key (region, aggregate)
);

-- The tenant is the centre of the region, as in the outbox. The names of the regions are public.
alter table published_contribution enable row level security;
alter table published_contribution force row level security;
create policy public_read on published_contribution for select using (true);
create policy tenant_insert on published_contribution for insert
    with check (region || '/centre' = current_setting('app.tenant'));
create policy tenant_update on published_contribution for update
    using (region || '/centre' = current_setting('app.tenant'))
    with check (region || '/centre' = current_setting('app.tenant'));
revoke all on published_contribution from pari_app;
grant select, insert on published_contribution to pari_app;
grant update (seq, digest, revision) on published_contribution to pari_app;
