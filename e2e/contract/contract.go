// Package contract walks the descriptors of all protobuf files, so that a test can check a rule on every field and
// every RPC, including those that are added later.
package contract

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	accessv1 "github.com/retepari/pari/proto/gen/pari/access/v1"
	_ "github.com/retepari/pari/proto/gen/pari/casemanagement/v1" // registers its descriptors
	_ "github.com/retepari/pari/proto/gen/pari/directory/v1"      // registers its descriptors
	_ "github.com/retepari/pari/proto/gen/pari/events/v1"         // registers its descriptors
	_ "github.com/retepari/pari/proto/gen/pari/feed/v1"           // registers its descriptors
	_ "github.com/retepari/pari/proto/gen/pari/intake/v1"         // registers its descriptors
	privacyv1 "github.com/retepari/pari/proto/gen/pari/privacy/v1"
	_ "github.com/retepari/pari/proto/gen/pari/record/v1"    // registers its descriptors
	_ "github.com/retepari/pari/proto/gen/pari/reporting/v1" // registers its descriptors
	textv1 "github.com/retepari/pari/proto/gen/pari/text/v1"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
)

// Files returns all files of the contract, sorted by path.
func Files() []protoreflect.FileDescriptor {
	var files []protoreflect.FileDescriptor
	protoregistry.GlobalFiles.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		if strings.HasPrefix(f.Path(), "pari/") {
			files = append(files, f)
		}
		return true
	})
	slices.SortFunc(files, func(a, b protoreflect.FileDescriptor) int { return strings.Compare(a.Path(), b.Path()) })
	return files
}

// Messages returns all messages of the contract, including nested ones.
func Messages() []protoreflect.MessageDescriptor {
	var all []protoreflect.MessageDescriptor
	var walk func(protoreflect.MessageDescriptors)
	walk = func(ms protoreflect.MessageDescriptors) {
		for i := range ms.Len() {
			all = append(all, ms.Get(i))
			walk(ms.Get(i).Messages())
		}
	}
	for _, f := range Files() {
		walk(f.Messages())
	}
	return all
}

// Methods returns all RPCs of the contract in the order of the files.
func Methods() []protoreflect.MethodDescriptor {
	var all []protoreflect.MethodDescriptor
	for _, f := range Files() {
		for i := range f.Services().Len() {
			methods := f.Services().Get(i).Methods()
			for j := range methods.Len() {
				all = append(all, methods.Get(j))
			}
		}
	}
	return all
}

// ClassOf returns the privacy class that a field declares.
func ClassOf(f protoreflect.FieldDescriptor) privacyv1.Class {
	class, _ := proto.GetExtension(f.Options(), privacyv1.E_Class).(privacyv1.Class)
	return class
}

// TextOf returns the kind of text that a field declares.
func TextOf(f protoreflect.FieldDescriptor) textv1.Kind {
	kind, _ := proto.GetExtension(f.Options(), textv1.E_Kind).(textv1.Kind)
	return kind
}

// ListOf returns the code list of a field, or "".
func ListOf(f protoreflect.FieldDescriptor) string {
	list, _ := proto.GetExtension(f.Options(), vocabularyv1.E_List).(string)
	return list
}

// RuleOf returns the access rule of an RPC, or nil.
func RuleOf(m protoreflect.MethodDescriptor) *accessv1.Rule {
	if !proto.HasExtension(m.Options(), accessv1.E_Rule) {
		return nil
	}
	rule, _ := proto.GetExtension(m.Options(), accessv1.E_Rule).(*accessv1.Rule)
	return rule
}
