-- Writes one commit of a shard whole, or refuses it. Returns the earliest timer as {id, due}, or {} when there is
-- none; false when the shard has another epoch.
--
-- KEYS  epoch, timers, then whatever is written
-- ARGV  epoch, and a MessagePack list of writes, each [command, number of its key, arguments]. One argument, as
--       the client takes ten times as long to send thousands.
--
-- Redis refuses a script (OOM, READONLY, MISCONF) at its first write or not at all: it is never left half done.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return false
end

-- Lua's stack bounds how many arguments one call takes. An even number keeps pairs together.
local CHUNK = 1000

for _, write in ipairs(cmsgpack.unpack(ARGV[2])) do
  local command, key, arguments = write[1], KEYS[write[2]], write[3]
  for first = 1, #arguments, CHUNK do
    redis.call(command, key, unpack(arguments, first, math.min(first + CHUNK - 1, #arguments)))
  end
end

return redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
