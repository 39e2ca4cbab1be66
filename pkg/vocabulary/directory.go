package vocabulary

import (
	"context"

	"google.golang.org/grpc"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
)

// maxLists is the largest answer that a replica takes: the list of places alone has eight thousand entries.
const maxLists = 16 << 20

// FromDirectory fetches the lists from the directory.
func FromDirectory(conn grpc.ClientConnInterface) Fetch {
	client := directoryv1.NewDirectoryServiceClient(conn)
	return func(ctx context.Context, known string) ([]*vocabularyv1.Vocabulary, error) {
		answer, err := client.ListVocabularies(ctx, &directoryv1.ListVocabulariesRequest{KnownDigest: known}, grpc.MaxCallRecvMsgSize(maxLists))
		if err != nil {
			return nil, err
		}
		return answer.GetVocabularies(), nil
	}
}
