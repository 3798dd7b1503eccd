    0  r3 = *(u32 *)(r1 +0)                        ; data
    1  r4 = *(u32 *)(r1 +4)                        ; data_end
entry:
    2  r2 = &seen[0]                               ; v0 moved
    4  r5 = &built[0]                              ; v0 moved
    6  r2 = *(u64 *)(r2 +0)                        ; v0 moved
    7  r5 = *(u64 *)(r5 +0)                        ; v0 moved
    8  r6 = r2                                     ; v0 moved
    9  r6 ^= r5                                    ; v0 moved
   10  r6 &= 0x0                                   ; v0 moved
   11  if r2 != r5 -> punt moved                   ; v13 guard
   12  r2 = r3                                     ; v14 bound
   13  r2 += 0x22                                  ; v14 bound
   14  if r2 > r4 -> punt short                    ; v14 bound
   15  r2 = *(u16 *)(r3 +30)                       ; v5 lookup
   16  r2 = be16 r2                                ; v5 lookup
   17  w2 &= 0xffff                                ; v5 lookup
   18  w2 <<= 0x1                                  ; v5 lookup
   19  r5 = &route4[0]                             ; v5 lookup
   21  r5 += r2                                    ; v5 lookup
   22  r5 += r6                                    ; v5 lookup
   23  r2 = *(u16 *)(r5 +0)                        ; v5 lookup
   24  if w2 < 0x8000 -> .7                        ; v5 lookup
   25  w2 &= 0x7                                   ; v5 lookup
   26  w2 <<= 0x9                                  ; v5 lookup
   27  r5 = *(u8 *)(r3 +32)                        ; v5 lookup
   28  w5 <<= 0x1                                  ; v5 lookup
   29  w5 += w2                                    ; v5 lookup
   30  r2 = &route4[131072]                        ; v5 lookup
   32  r2 += r5                                    ; v5 lookup
   33  r2 += r6                                    ; v5 lookup
   34  r2 = *(u16 *)(r2 +0)                        ; v5 lookup
   35  if w2 < 0x8000 -> .7                        ; v5 lookup
.6:
   36  w2 &= 0x7                                   ; v5 lookup
   37  w2 <<= 0x9                                  ; v5 lookup
   38  r5 = *(u8 *)(r3 +33)                        ; v5 lookup
   39  w5 <<= 0x1                                  ; v5 lookup
   40  w5 += w2                                    ; v5 lookup
   41  r2 = &route4[131072]                        ; v5 lookup
   43  r2 += r5                                    ; v5 lookup
   44  r2 += r6                                    ; v5 lookup
   45  r2 = *(u16 *)(r2 +0)                        ; v5 lookup
.7:
   46  w2 &= 0xf                                   ; v6 lookup
   47  w2 <<= 0x4                                  ; v6 lookup
   48  r5 = &nexthop[0]                            ; v6 lookup
   50  r5 += r2                                    ; v6 lookup
   51  r5 += r6                                    ; v6 lookup
   52  r2 = r5                                     ; v7 field
   53  r2 += r6                                    ; v7 field
   54  r7 = *(u32 *)(r2 +8)                        ; v7 field
   55  r2 = r7                                     ; v8 lookup
   56  r2 += r6                                    ; v8 lookup
   57  *(u32 *)(rfp -8) = r2                       ; v8 lookup
   58  r1 = map device                             ; v8 lookup
   60  r2 = rfp                                    ; v8 lookup
   61  r2 += -0x8                                  ; v8 lookup
   62  *(u64 *)(rfp -16) = r5                      ; live through the call
   63  *(u64 *)(rfp -24) = r4                      ; live through the call
   64  *(u64 *)(rfp -32) = r3                      ; live through the call
   65  call FnMapLookupElem                        ; v8 lookup
   66  r3 = *(u64 *)(rfp -32)                      ; live through the call
   67  r4 = *(u64 *)(rfp -24)                      ; live through the call
   68  r5 = *(u64 *)(rfp -16)                      ; live through the call
   69  if r0 == 0x0 -> punt live-device            ; v16 guard
   70  r4 -= r3                                    ; v10 meta
   71  r2 = r5                                     ; v9 field
   72  r2 += r6                                    ; v9 field
   73  r2 = *(u32 *)(r2 +12)                       ; v9 field
   74  r0 = r2                                     ; v17 guard
   75  r0 &= 0x0                                   ; v17 guard
   76  r0 |= r6                                    ; v17 guard
   77  if w4 > w2 -> punt mtu                      ; v17 guard
   78  r5 += r0                                    ; v11 field
   79  r2 = *(u64 *)(r5 +0)                        ; v11 field
   80  r2 = be64 r2                                ; v18 store
   81  *(u64 *)(r3 +0) = r2                        ; v18 store
   82  r1 = r7                                     ; redirect
   83  r2 = 0x0                                    
   84  call FnRedirect                             
   85  exit                                        
punt moved:
   86  call FnGetSmpProcessorId                    
   87  r2 = 0x8                                    
   88  goto -> count and pass                      
punt short:
   89  call FnGetSmpProcessorId                    
   90  r2 = 0x10                                   
   91  goto -> count and pass                      
punt mtu:
   92  call FnGetSmpProcessorId                    
   93  r2 = 0x120                                  
   94  goto -> count and pass                      
punt live-device:
   95  call FnGetSmpProcessorId                    
   96  r2 = 0x140                                  
count and pass:
   97  w0 <<= 0xb                                  
   98  w0 &= 0x800                                 
   99  r3 = &stats[0]                              
  101  r3 += r0                                    
  102  r3 += r2                                    
  103  r2 = *(u64 *)(r3 +0)                        
  104  r2 += 0x1                                   
  105  *(u64 *)(r3 +0) = r2                        
  106  r0 = 0x2                                    
  107  exit                                        
