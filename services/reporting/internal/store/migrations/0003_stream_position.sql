-- +goose Up
-- The stream of events has been read up to here: all before it is committed. It goes back with the database when that is
-- restored from a backup, and the consumer at the hub does not. Public data; at most one row.
create table stream_position (
    only_one boolean primary key default true check (only_one),
    consumer text    not null, -- when the consumer was created: positions of another one mean nothing
    seq      bigint  not null check (seq >= 0)
);
alter table stream_position enable row level security;
alter table stream_position force  row level security;
create policy public_data on stream_position using (true) with check (true);
revoke all on stream_position from pari_app;
grant select, insert, update on stream_position to pari_app;
