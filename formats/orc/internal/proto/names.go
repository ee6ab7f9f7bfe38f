package proto

import "strconv"

func name(names []string, v int32) string {
	if v >= 0 && int(v) < len(names) && names[v] != "" {
		return names[v]
	}
	return strconv.Itoa(int(v))
}

func (c CompressionKind) String() string {
	return name([]string{"NONE", "ZLIB", "SNAPPY", "LZO", "LZ4", "ZSTD", "BROTLI"}, int32(c))
}

func (k TypeKind) String() string {
	return name([]string{
		"boolean", "tinyint", "smallint", "int", "bigint", "float", "double", "string", "binary", "timestamp", "array", "map", "struct", "uniontype",
		"decimal", "date", "varchar", "char", "timestamp with local time zone", "geometry",
	}, int32(k))
}

func (k StreamKind) String() string {
	switch k {
	case StripeStatsKind:
		return "STRIPE_STATISTICS"
	case FileStatsKind:
		return "FILE_STATISTICS"
	}
	return name([]string{
		"PRESENT", "DATA", "LENGTH", "DICTIONARY_DATA", "DICTIONARY_COUNT", "SECONDARY", "ROW_INDEX", "BLOOM_FILTER", "BLOOM_FILTER_UTF8",
		"ENCRYPTED_INDEX", "ENCRYPTED_DATA",
	}, int32(k))
}

func (k EncodingKind) String() string {
	return name([]string{"DIRECT", "DICTIONARY", "DIRECT_V2", "DICTIONARY_V2"}, int32(k))
}

func (a EncryptionAlgorithm) String() string {
	return name([]string{"unknown", "AES_CTR_128", "AES_CTR_256"}, int32(a))
}
