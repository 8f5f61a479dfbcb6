-- Remembers totals that are larger than what is there.
--
-- KEYS  reported
-- ARGV  producer, total, ...

for n = 1, #ARGV, 2 do
  local producer, total = ARGV[n], ARGV[n + 1]
  if tonumber(redis.call('HGET', KEYS[1], producer) or -1) < tonumber(total) then
    redis.call('HSET', KEYS[1], producer, total)
  end
end
