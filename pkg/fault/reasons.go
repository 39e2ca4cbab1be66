package fault

// Reason is a code for what is wrong, for programs. Reasons are added, never renamed.
type Reason string

// The reasons that every service shares; a service registers its own. docs/errors.md lists all with their texts.
const (
	InvalidRequest   Reason = "INVALID_REQUEST"
	Required         Reason = "REQUIRED"
	TooLong          Reason = "TOO_LONG"
	TooShort         Reason = "TOO_SHORT"
	TooMany          Reason = "TOO_MANY"
	TooFew           Reason = "TOO_FEW"
	NotUnique        Reason = "NOT_UNIQUE"
	OutOfRange       Reason = "OUT_OF_RANGE"
	BadFormat        Reason = "BAD_FORMAT"
	BadUUID          Reason = "BAD_UUID"
	BadEmail         Reason = "BAD_EMAIL"
	UnknownValue     Reason = "UNKNOWN_VALUE"
	UnknownCode      Reason = "UNKNOWN_CODE"
	ExpiredCode      Reason = "EXPIRED_CODE"
	ImpossibleDate   Reason = "IMPOSSIBLE_DATE"
	FutureDate       Reason = "FUTURE_DATE"
	IncompleteDate   Reason = "INCOMPLETE_DATE"
	BadPageToken     Reason = "BAD_PAGE_TOKEN"
	MessageTooLarge  Reason = "MESSAGE_TOO_LARGE"
	RequestIDReused  Reason = "REQUEST_ID_REUSED"
	WrongVersion     Reason = "WRONG_VERSION"
	ForbiddenMove    Reason = "FORBIDDEN_MOVE"
	NotFound         Reason = "NOT_FOUND"
	NoCertificate    Reason = "NO_CERTIFICATE"
	BadCertificate   Reason = "BAD_CERTIFICATE"
	NoToken          Reason = "NO_TOKEN"
	BadToken         Reason = "BAD_TOKEN"
	ExpiredToken     Reason = "EXPIRED_TOKEN"
	WrongNode        Reason = "WRONG_NODE"
	NotAllowed       Reason = "NOT_ALLOWED"
	ViewNotAllowed   Reason = "VIEW_NOT_ALLOWED"
	MethodUnknown    Reason = "METHOD_UNKNOWN"
	DeadlineTooShort Reason = "DEADLINE_TOO_SHORT"
	TooManyRequests  Reason = "TOO_MANY_REQUESTS"
	Unavailable      Reason = "UNAVAILABLE"
	Internal         Reason = "INTERNAL"
)
