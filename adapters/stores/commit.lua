-- Writes one commit of a shard whole, or refuses it. Returns the earliest timer as {id, due}, or {} when there is
-- none; false when the shard has another epoch.
--
-- KEYS  epoch, timers, then whatever is written
-- ARGV  epoch, then for each write: command, number of its key, count of its arguments, arguments ...
--
-- Redis refuses a script (OOM, READONLY, MISCONF) at its first write or not at all: it is never left half done.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return false
end

-- Lua's stack bounds how many arguments one call takes. An even number keeps pairs together.
local CHUNK = 1000

local at = 2
while at <= #ARGV do
  local command, key, count = ARGV[at], KEYS[tonumber(ARGV[at + 1])], tonumber(ARGV[at + 2])
  local first, last = at + 3, at + 2 + count
  repeat
    redis.call(command, key, unpack(ARGV, first, math.min(first + CHUNK - 1, last)))
    first = first + CHUNK
  until first > last
  at = last + 1
end

return redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
