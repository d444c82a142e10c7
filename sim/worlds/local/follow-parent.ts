/**
 * Loaded before a service of the local world: ends it when the laboratory is gone, however that ended. The
 * channel to the parent closes even after `kill -9`.
 */
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'))
process.channel?.unref()
