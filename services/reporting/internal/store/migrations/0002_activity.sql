-- +goose Up
-- Facts of the directory's entries: the latest figures of each entry, row by row. All of it is public. The node is the
-- centre.
create table fact_activity (
    region    text      not null,
    node      text      not null,
    aggregate text      not null, -- the entry
    seq       bigint    not null,
    measures  text[]    not null,
    years     integer[] not null,
    nodes     text[]    not null,
    counts    bigint[]  not null,
    primary key (region, node, aggregate)
);

create table fact_indicator (
    region    text      not null,
    node      text      not null,
    aggregate text      not null, -- the entry
    seq       bigint    not null,
    programme text      not null,
    codes     text[]    not null,
    years     integer[] not null, -- 0: the target of the whole programme
    targets   bigint[]  not null,
    counts    bigint[]  not null,
    primary key (region, node, aggregate)
);

alter table fact_activity  enable row level security;
alter table fact_activity  force  row level security;
alter table fact_indicator enable row level security;
alter table fact_indicator force  row level security;
create policy tenant on fact_activity
    using (region = current_setting('app.region')) with check (region = current_setting('app.region'));
create policy tenant on fact_indicator
    using (region = current_setting('app.region')) with check (region = current_setting('app.region'));
revoke all on fact_activity, fact_indicator from pari_app;
grant select, insert, update on fact_activity, fact_indicator to pari_app;
