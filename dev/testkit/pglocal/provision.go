package pglocal

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Roles of Provision. Owner migrates and owns the tables. App is the role that services run as: it reads and writes
// rows but changes no table.
const (
	Owner = "pari_owner"
	App   = "pari_app"
)

const (
	selectRoleExists     = `select exists (select from pg_roles where rolname = $1)`
	selectDatabaseExists = `select exists (select from pg_database where datname = $1)`
)

// Provision creates the two roles and the databases, as far as they do not exist. Call it on every start.
func (s *Server) Provision(ctx context.Context, databases ...string) error {
	conn, err := pgx.Connect(ctx, s.URL(Superuser, "postgres"))
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for _, role := range []string{Owner, App} {
		if err := s.createRole(ctx, conn, role); err != nil {
			return fmt.Errorf("role %s: %w", role, err)
		}
	}
	for _, name := range databases {
		if err := s.createDatabase(ctx, conn, name); err != nil {
			return fmt.Errorf("database %s: %w", name, err)
		}
	}
	return nil
}

func (s *Server) createRole(ctx context.Context, conn *pgx.Conn, role string) error {
	var exists bool
	if err := conn.QueryRow(ctx, selectRoleExists, role).Scan(&exists); err != nil || exists {
		return err
	}
	// CREATE ROLE takes no parameters. The password is hexadecimal, so it needs no quoting.
	const options = `login nosuperuser nocreatedb nocreaterole nobypassrls`
	_, err := conn.Exec(ctx, fmt.Sprintf(`create role %s %s password '%s'`, role, options, s.password))
	return err
}

func (s *Server) createDatabase(ctx context.Context, conn *pgx.Conn, name string) error {
	var exists bool
	if err := conn.QueryRow(ctx, selectDatabaseExists, name).Scan(&exists); err != nil {
		return err
	}
	quoted := pgx.Identifier{name}.Sanitize()
	if !exists {
		if _, err := conn.Exec(ctx, `create database `+quoted+` owner `+Owner); err != nil {
			return err
		}
	}
	inside, err := pgx.Connect(ctx, s.URL(Superuser, name))
	if err != nil {
		return err
	}
	defer func() { _ = inside.Close(context.WithoutCancel(ctx)) }()
	const defaults = `alter default privileges for role ` + Owner + ` in schema public grant `
	_, err = inside.Exec(ctx, `
		revoke all on database `+quoted+` from public;
		grant connect on database `+quoted+` to `+App+`;
		revoke create on schema public from public;
		grant all on schema public to `+Owner+`;
		grant usage on schema public to `+App+`;
		`+defaults+`select, insert, update, delete on tables to `+App+`;
		`+defaults+`usage on sequences to `+App)
	return err
}
