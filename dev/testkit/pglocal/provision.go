package pglocal

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Owner migrates and owns the tables; App is what services run as: it reads and writes rows, and changes no table.
const (
	Owner = "pari_owner"
	App   = "pari_app"
)

// Provision makes the two roles and the databases that are not there yet. It may be called on every start.
func (s *Server) Provision(ctx context.Context, databases ...string) error {
	conn, err := pgx.Connect(ctx, s.URL(Superuser, "postgres"))
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for _, role := range []string{Owner, App} {
		var there bool
		if err := conn.QueryRow(ctx, `select exists (select from pg_roles where rolname = $1)`, role).Scan(&there); err != nil {
			return fmt.Errorf("look for role: %w", err)
		}
		if !there {
			// The password is hexadecimal: a statement cannot take it as an argument.
			if _, err := conn.Exec(ctx, fmt.Sprintf(`create role %s login nosuperuser nocreatedb nocreaterole nobypassrls password '%s'`, role, s.password)); err != nil {
				return fmt.Errorf("create role %s: %w", role, err)
			}
		}
	}
	for _, name := range databases {
		if err := s.database(ctx, conn, name); err != nil {
			return fmt.Errorf("database %s: %w", name, err)
		}
	}
	return nil
}

func (s *Server) database(ctx context.Context, conn *pgx.Conn, name string) error {
	var there bool
	if err := conn.QueryRow(ctx, `select exists (select from pg_database where datname = $1)`, name).Scan(&there); err != nil {
		return err
	}
	quoted := pgx.Identifier{name}.Sanitize()
	if !there {
		if _, err := conn.Exec(ctx, `create database `+quoted+` owner `+Owner); err != nil {
			return err
		}
	}
	inside, err := pgx.Connect(ctx, s.URL(Superuser, name))
	if err != nil {
		return err
	}
	defer func() { _ = inside.Close(context.WithoutCancel(ctx)) }()
	_, err = inside.Exec(ctx, `
		revoke all on database `+quoted+` from public;
		grant connect on database `+quoted+` to `+App+`;
		revoke create on schema public from public;
		grant all on schema public to `+Owner+`;
		grant usage on schema public to `+App+`;
		alter default privileges for role `+Owner+` in schema public grant select, insert, update, delete on tables to `+App+`;
		alter default privileges for role `+Owner+` in schema public grant usage on sequences to `+App)
	return err
}
