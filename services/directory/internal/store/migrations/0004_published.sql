-- +goose Up
-- What the directory last told reporting about each entry, by region: the number of that event, and a digest of what it said.
-- What an entry counts depends on the day too, so it is compared with this and not with the last state of the entry. Always
-- empty at a node.
create table published_contribution (
    region    text   not null,
    aggregate text   not null,
    seq       bigint not null default 0 check (seq >= 0), -- 0: nothing yet
    digest    bytea  not null default '',
    revision  bigint not null default 0, -- of the directory that it was said of: an older one says nothing against it
    primary key (region, aggregate)
);

-- The region is the tenant, as it is of the events. Which regions there are is public.
alter table published_contribution enable row level security;
alter table published_contribution force row level security;
create policy public_read on published_contribution for select using (true);
create policy tenant_insert on published_contribution for insert with check (region = current_setting('app.node'));
create policy tenant_update on published_contribution for update
    using (region = current_setting('app.node')) with check (region = current_setting('app.node'));
revoke all on published_contribution from pari_app;
grant select, insert on published_contribution to pari_app;
grant update (seq, digest, revision) on published_contribution to pari_app;
