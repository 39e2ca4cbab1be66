-- +goose Up
-- What the directory last told reporting about each entry, by region: the number of that event, and a digest of what it said.
-- What an entry counts depends on the day too, so it is compared with this and not with the last state of the entry. Always
-- empty at a node.
create table published (
    region    text   not null,
    aggregate text   not null,
    seq       bigint not null default 0 check (seq >= 0), -- 0: nothing yet
    digest    bytea  not null default '',
    revision  bigint not null default 0, -- of the directory that it was said of: an older one says nothing against it
    primary key (region, aggregate)
);

-- The region is the tenant, as it is of the events. Which regions there are is public.
alter table published enable row level security;
alter table published force row level security;
create policy everybody_reads on published for select using (true);
create policy region_adds on published for insert with check (region = current_setting('app.node'));
create policy region_counts on published for update
    using (region = current_setting('app.node')) with check (region = current_setting('app.node'));
revoke all on published from pari_app;
grant select, insert on published to pari_app;
grant update (seq, digest, revision) on published to pari_app;
