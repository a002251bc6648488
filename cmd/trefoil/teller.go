package main

import (
	"context"
	"fmt"
	"log/slog"
)

// teller is a log for people who watch: the line of a record, with its commit and its error, on a board.
type teller struct{ board *board }

func (*teller) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

func (t *teller) Handle(_ context.Context, r slog.Record) error {
	line := r.Message
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "error":
			line += fmt.Sprintf(": %v", a.Value)
		case "commit":
			line += fmt.Sprintf(" %v", a.Value)
		}
		return true
	})
	t.board.say(line)
	return nil
}

func (t *teller) WithAttrs([]slog.Attr) slog.Handler { return t }
func (t *teller) WithGroup(string) slog.Handler      { return t }
