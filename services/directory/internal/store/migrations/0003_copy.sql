-- +goose Up
-- Digests of what rows say, made by the database whoever writes them, so that two databases can tell whether they say the same.
alter table entry add column digest bytea;
alter table vocabulary add column digest bytea;
-- The revision that a version of a list came with; 0 for lists that older programs load.
alter table vocabulary add column revision bigint not null default 0;
-- When the centre last told a node's copy that nothing is missing. Always null at the centre.
alter table directory_state add column confirmed_at timestamptz;

-- +goose StatementBegin
create function entry_digest() returns trigger language plpgsql as $$
begin
    new.digest := sha256(convert_to(new.content::text, 'UTF8'));
    return new;
end $$;
-- +goose StatementEnd
-- +goose StatementBegin
create function vocabulary_digest() returns trigger language plpgsql as $$
begin
    new.digest := sha256(convert_to(concat_ws(E'\n', new.title_it, new.title_en, new.groups, new.terms::text), 'UTF8'));
    return new;
end $$;
-- +goose StatementEnd
create trigger entry_digest before insert or update of content on entry for each row execute function entry_digest();
create trigger vocabulary_digest before insert or update of title_it, title_en, groups, terms on vocabulary
    for each row execute function vocabulary_digest();
update entry set content = content;
update vocabulary set terms = terms;
alter table entry alter column digest set not null;
alter table vocabulary alter column digest set not null;

create index entry_revision on entry (revision) where current;

-- A node keeps a copy: its service replaces rows as the centre says. At the centre the service lacks the grants for it; at a
-- node AllowCopy gives them.
create policy service_delete on entry for delete using (true);
create policy service_insert on vocabulary for insert with check (true);
create policy service_delete on vocabulary for delete using (true);
create policy service_insert on directory_state for insert with check (true);
grant update (confirmed_at) on directory_state to pari_app;
