//! Golden vectors, laid out from the tables of FO 9.48 and apart from the code they test: offset,
//! bytes and name of each field. `00*n` stands for n zero bytes, `20*n` for n blanks.

/// A new order in the future: 150 at 25000.05, bought, day.
pub(super) const ENTRY: &str = "
   0 4e20                       TransactionCode
   2 00003039                   UserID
   6 0000                       ReasonCode
   8 000088b9                   TokenNo
  12 465554494458               InstrumentName
  18 4e494654592020202020       Symbol
  28 57e69bf8                   ExpiryDate
  32 ffffffff                   StrikePrice
  36 5858                       OptionType
  38 20*10                      AccountNumber
  48 0001                       BookType
  50 0001                       Buy/SellIndicator
  52 00000000                   DisclosedVolume
  56 00000096                   Volume
  60 002625a5                   Price
  64 00000000                   GoodTillDate
  68 08                         ST_ORDER_FLAGS: Day
  69 00                         ST_ORDER_FLAGS
  70 0007                       BranchId
  72 0000303a                   TraderId
  76 3930303031                 BrokerId
  81 4f                         Open/Close
  82 20*12                      Settlor
  94 0002                       Pro/ClientIndicator
  96 00                         ADDITIONAL_ORDER_FLAGS
  97 00                         Pad
  98 01020304                   Filler
 102 42d9438493bc6f00           NnfField
 110 41424344453132333446       PAN
 120 00012cc9                   AlgoID
 124 0000                       Reserved
 126 00*32                      Reserved
";

/// A cancel of the option order, IOC, half filled, in the pre-open.
pub(super) const CANCEL: &str = "
   0 4e66                       TransactionCode
   2 00003039                   UserID
   6 54                         Modified/CancelledBy
   7 00                         Pad
   8 000088ba                   TokenNo
  12 4f5054494458               InstrumentName
  18 4e494654592020202020       Symbol
  28 57e69bf8                   ExpiryDate
  32 0025d780                   StrikePrice
  36 5045                       OptionType
  38 430c6bf5263581c8           OrderNumber
  46 20*10                      AccountNumber
  56 0001                       BookType
  58 0002                       Buy/SellIndicator
  60 00000000                   DisclosedVolume
  64 00000000                   DisclosedVolumeRemaining
  68 0000004b                   TotalVolumeRemaining
  72 0000004b                   Volume
  76 0000004b                   VolumeFilledToday
  80 002625a5                   Price
  84 00000000                   GoodTillDate
  88 57e24f95                   EntryDateTime
  92 57e24f96                   LastModified
  96 02                         ST_ORDER_FLAGS
  97 04                         ST_ORDER_FLAGS: PreOpen
  98 0007                       BranchId
 100 0000303a                   TraderId
 104 3930303031                 BrokerId
 109 4f                         Open/Close
 110 20*12                      Settlor
 122 0002                       Pro/ClientIndicator
 124 00                         ADDITIONAL_ORDER_FLAGS
 125 00                         Pad
 126 01020304                   Filler
 130 42d9438493bc6f00           NnfField
 138 41424344453132333446       PAN
 148 00012cc9                   AlgoID
 152 0000                       Reserved
 154 14764bd405085f09           LastActivityReference
 162 00*24                      Reserved
";

/// A modification confirmed after a quantity freeze, 225 of 300 filled.
pub(super) const RESPONSE: &str = "
   0 4e6a                       TransactionCode
   2 57e24f94                   LogTime
   6 00003039                   UserId
  10 0000                       ErrorCode
  12 000000003ade68b1           TimeStamp1
  20 05                         TimeStamp2
  21 54                         Modified/CancelledBy
  22 0012                       ReasonCode
  24 000088b9                   TokenNo
  28 465554494458               InstrumentName
  34 4e494654592020202020       Symbol
  44 57e69bf8                   ExpiryDate
  48 ffffffff                   StrikePrice
  52 5858                       OptionType
  54 20                         CloseoutFlag
  55 00                         Pad
  56 430c6bf5263581c8           OrderNumber
  64 20*10                      AccountNumber
  74 0001                       BookType
  76 0002                       Buy/SellIndicator
  78 00000000                   DisclosedVolume
  82 00000000                   DisclosedVolumeRemaining
  86 0000004b                   TotalVolumeRemaining
  90 0000004b                   Volume
  94 000000e1                   VolumeFilledToday
  98 002625aa                   Price
 102 00000000                   GoodTillDate
 106 57e24f95                   EntryDateTime
 110 57e24f96                   LastModified
 114 08                         ST_ORDER_FLAGS: Day
 115 30                         ST_ORDER_FLAGS: Traded, Modified
 116 0007                       BranchId
 118 0000303a                   TraderId
 122 3930303031                 BrokerId
 127 4f                         Open/Close
 128 20*12                      Settlor
 140 0002                       Pro/ClientIndicator
 142 00                         ADDITIONAL_ORDER_FLAGS
 143 00                         Pad
 144 01020304                   Filler
 148 42d9438493bc6f00           NnfField
 156 14764bd38dd2cbe8           TimeStamp
 164 41424344453132333446       PAN
 174 00012cc9                   AlgoID
 178 0000                       Reserved
 180 14764bd405085f09           LastActivityReference
 188 00*52                      Reserved
";

/// A trade of 75, half of what is left.
pub(super) const TRADE: &str = "
   0 4efe                       TransactionCode
   2 57e24f94                   LogTime
   6 0000303a                   TraderId
  10 14764bd38dd2cbe8           Timestamp
  18 41cd6f3458800000           Timestamp1
  26 0000000000000005           Timestamp2: stream 5
  34 430c6bf5263581c8           ResponseOrderNumber
  42 3930303031                 BrokerId
  47 00                         Reserved
  48 20*10                      AccountNumber
  58 0001                       Buy/SellIndicator
  60 0000012c                   OriginalVolume
  64 00000000                   DisclosedVolume
  68 00000096                   RemainingVolume
  72 00000000                   DisclosedVolumeRemaining
  76 002625aa                   Price
  80 08                         ST_ORDER_FLAGS: Day
  81 20                         ST_ORDER_FLAGS: Traded
  82 00000000                   GoodTillDate
  86 000dbba1                   FillNumber
  90 0000004b                   FillQuantity
  94 002625a0                   FillPrice
  98 00000096                   VolumeFilledToday
 102 3220                       ActivityType
 104 57e24f97                   ActivityTime
 108 000088b9                   Token
 112 465554494458               InstrumentName
 118 4e494654592020202020       Symbol
 128 57e69bf8                   ExpiryDate
 132 ffffffff                   StrikePrice
 136 5858                       OptionType
 138 4f                         OpenClose
 139 01                         BookType
 140 20*12                      Participant
 152 00                         ADDITIONAL_ORDER_FLAGS
 153 41424344453132333446       PAN
 163 00                         Pad
 164 00012cc9                   AlgoID
 168 0000                       Reserved
 170 14764bd440a32978           LastActivityReference
 178 00*52                      Reserved
";

/// A new order refused: price outside the execution range.
pub(super) const REFUSAL: &str = "
   0 08b7                       TransactionCode
   2 57e24f94                   LogTime
   6 4e49                       AlphaChar
   8 00003039                   TraderId
  12 42ae                       ErrorCode
  14 14764bd38dd2cbe8           Timestamp
  22 000000003ade68b1           TimeStamp1
  30 0000000000000005           TimeStamp2: stream 5
  38 013c                       MessageLength
  40 00                         ParticipantType
  41 00                         Reserved
  42 0000                       CompetitorPeriod
  44 0000                       SolicitorPeriod
  46 20                         Modified/CancelledBy
  47 00                         Reserved
  48 0000                       ReasonCode
  50 00000000                   Reserved
  54 000088b9                   TokenNo
  58 465554494458               InstrumentName
  64 4e494654592020202020       Symbol
  74 57e69bf8                   ExpiryDate
  78 ffffffff                   StrikePrice
  82 5858                       OptionType
  84 0000                       CALevel
  86 20*5                       CounterPartyBrokerId
  91 000000                     Reserved
  94 20                         CloseoutFlag
  95 00                         Reserved
  96 0000                       OrderType
  98 00*8                       OrderNumber
 106 20*10                      AccountNumber
 116 0001                       BookType
 118 0001                       Buy/SellIndicator
 120 00000000                   DisclosedVolume
 124 00000000                   DisclosedVolumeRemaining
 128 00000096                   TotalVolumeRemaining
 132 00000096                   Volume
 136 00000000                   VolumeFilledToday
 140 002625a5                   Price
 144 00000000                   TriggerPrice
 148 00000000                   GoodTillDate
 152 57e24f94                   EntryDateTime
 156 00000000                   MinimumFill/AONVolume
 160 57e24f94                   LastModified
 164 08                         ST_ORDER_FLAGS: Day
 165 00                         ST_ORDER_FLAGS
 166 0007                       BranchId
 168 0000303a                   TraderId
 172 3930303031                 BrokerId
 177 20*24                                            cOrdFiller
 201 4f                         Open/Close
 202 20*12                      Settlor
 214 0002                       Pro/ClientIndicator
 216 0000                       SettlementPeriod
 218 00                         ADDITIONAL_ORDER_FLAGS
 219 00                         Reserved
 220 00000000                   Fillers
 224 42d9438493bc6f00           NnfField
 232 00*8                       MktReplay
 240 41424344453132333446       PAN
 250 00012cc9                   AlgoID
 254 0000                       Reserved
 256 00*8                       LastActivityReference
 264 00*52                      Reserved
";

/// A modification refused in a plain error response: 16044.
pub(super) const ERROR: &str = "
   0 07fa                       TransactionCode
   2 57e24f94                   LogTime
   6 4e49                       AlphaChar
   8 00003039                   TraderId
  12 3eac                       ErrorCode
  14 14764bd38dd2cbe8           Timestamp
  22 000000003ade68b1           TimeStamp1
  30 0000000000000005           TimeStamp2: stream 5
  38 00b6                       MessageLength
  40 20*14                        Key
  54 546865206f7264657220686173206265656e206d6f6469666965642020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020 ErrorMessage
";

/// The bytes of a vector. Each line's offset must be where the lines before it end.
pub(in super::super) fn bytes(vector: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in vector.lines().filter(|line| !line.is_empty()) {
        let mut columns = line.split_whitespace();
        assert_eq!(columns.next(), Some(bytes.len().to_string().as_str()), "{line}");
        let digits = columns.next().unwrap();
        match digits.split_once('*') {
            Some((byte, times)) => bytes.extend(hex(byte).repeat(times.parse().unwrap())),
            None => bytes.extend(hex(digits)),
        }
    }
    bytes
}

fn hex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks_exact(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}
