-- Gives a shard a new owner and returns its epoch, larger than all before.
--
-- KEYS  epoch
--
-- Not below the clock, in microseconds: were the last claim lost in a failover, counting on from the one before it
-- would give a second owner the same epoch.

local now = redis.call('TIME')
local epoch = math.max(tonumber(redis.call('GET', KEYS[1]) or 0) + 1, now[1] * 1000000 + now[2])
redis.call('SET', KEYS[1], string.format('%d', epoch))
return epoch
