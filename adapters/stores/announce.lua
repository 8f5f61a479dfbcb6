-- Lists the processes that are there, after one of them said that it is, or that it goes.
--
-- KEYS  processes
-- ARGV  process, milliseconds that its word holds; 0 when it goes
--
-- All times are this server's: clocks of processes may differ.

local now = redis.call('TIME')
local at = now[1] * 1000 + math.floor(now[2] / 1000)
if tonumber(ARGV[2]) > 0 then
  redis.call('ZADD', KEYS[1], at + ARGV[2], ARGV[1])
else
  redis.call('ZREM', KEYS[1], ARGV[1])
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', at)
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
if last[2] then
  redis.call('PEXPIREAT', KEYS[1], last[2])
end
return redis.call('ZRANGE', KEYS[1], 0, -1)
