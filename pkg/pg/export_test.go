package pg

// SpanName is spanName.
var SpanName = spanName
