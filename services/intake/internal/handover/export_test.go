package handover

const BatchSize = batchSize
