    0  r2 = *(u32 *)(r1 +0)                        ; data
    1  r3 = *(u32 *)(r1 +4)                        ; data_end
entry:
    2  r4 = &seen[0]                               ; v0 moved
    4  r5 = &built[0]                              ; v0 moved
    6  r4 = *(u64 *)(r4 +0)                        ; v0 moved
    7  r5 = *(u64 *)(r5 +0)                        ; v0 moved
    8  r0 = r4                                     ; v0 moved
    9  r0 ^= r5                                    ; v0 moved
   10  r0 &= 0x0                                   ; v0 moved
   11  if r4 != r5 -> punt moved                   ; v10 guard
   12  r4 = r2                                     ; v11 bound
   13  r4 += 0x22                                  ; v11 bound
   14  if r4 > r3 -> punt short                    ; v11 bound
.6:
   15  r3 = *(u32 *)(r2 +30)                       ; v5 lookup
   16  r3 = be32 r3                                ; v5 lookup
   17  w3 >>= 0x8                                  ; v5 lookup
   18  w3 <<= 0x1                                  ; v5 lookup
   19  r4 = &route4[0]                             ; v5 lookup
   21  r4 += r3                                    ; v5 lookup
   22  r4 += r0                                    ; v5 lookup
   23  r3 = *(u16 *)(r4 +0)                        ; v5 lookup
   24  if w3 < 0x8000 -> .8                        ; v5 lookup
.7:
   25  w3 &= 0x7                                   ; v5 lookup
   26  w3 <<= 0x9                                  ; v5 lookup
   27  r2 = *(u8 *)(r2 +33)                        ; v5 lookup
   28  w2 <<= 0x1                                  ; v5 lookup
   29  w2 += w3                                    ; v5 lookup
   30  r3 = &route4[33554432]                      ; v5 lookup
   32  r3 += r2                                    ; v5 lookup
   33  r3 += r0                                    ; v5 lookup
   34  r3 = *(u16 *)(r3 +0)                        ; v5 lookup
.8:
   35  w3 &= 0xf                                   ; v6 lookup
   36  w3 <<= 0x4                                  ; v6 lookup
   37  r2 = &nexthop[0]                            ; v6 lookup
   39  r2 += r3                                    ; v6 lookup
   40  r2 += r0                                    ; v6 lookup
   41  r3 = *(u32 *)(r2 +8)                        ; v7 field
   42  r2 = r3                                     ; v8 lookup
   43  r2 += r0                                    ; v8 lookup
   44  *(u32 *)(rfp -8) = r2                       ; v8 lookup
   45  r1 = map device                             ; v8 lookup
   47  r2 = rfp                                    ; v8 lookup
   48  r2 += -0x8                                  ; v8 lookup
   49  *(u64 *)(rfp -16) = r3                      ; live through the call
   50  call FnMapLookupElem                        ; v8 lookup
   51  r3 = *(u64 *)(rfp -16)                      ; live through the call
   52  if r0 == 0x0 -> punt live-device            ; v13 guard
   53  r1 = r3                                     ; redirect
   54  r2 = 0x0                                    
   55  call FnRedirect                             
   56  exit                                        
punt moved:
   57  call FnGetSmpProcessorId                    
   58  r2 = 0x8                                    
   59  goto -> count and pass                      
punt short:
   60  call FnGetSmpProcessorId                    
   61  r2 = 0x10                                   
   62  goto -> count and pass                      
punt live-device:
   63  call FnGetSmpProcessorId                    
   64  r2 = 0x140                                  
count and pass:
   65  w0 <<= 0xb                                  
   66  w0 &= 0x800                                 
   67  r3 = &stats[0]                              
   69  r3 += r0                                    
   70  r3 += r2                                    
   71  r2 = *(u64 *)(r3 +0)                        
   72  r2 += 0x1                                   
   73  *(u64 *)(r3 +0) = r2                        
   74  r0 = 0x2                                    
   75  exit                                        
